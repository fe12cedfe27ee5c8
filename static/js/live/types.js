// Describes what the live client hands to pages and takes from them. Only comments: no page fetches this file.

/**
 * @typedef {object} State
 * @property {'idle' | 'connecting' | 'syncing' | 'live' | 'delayed' | 'waiting' | 'offline' | 'suspended' | 'closed'} state
 *   idle: not wanted. connecting: no hello yet. syncing: hello, but not all data is here. live. delayed: connected, but what should come
 *   does not. waiting: until `retryAt`. offline: waiting, and the device says it has no network. suspended: given up while nobody
 *   looks. closed: for good, see `reason`
 * @property {number} since           server ms
 * @property {number} attempt         tries since the last steady connection; 0 while live
 * @property {number | null} retryAt  server ms of the next try
 * @property {number | null} rtt      ms
 * @property {number | null} code     close code of the last loss
 * @property {string | null} reason   one word: of the last loss; when closed: signed_out, forbidden, malformed or mismatch
 * @property {string} text            what happened, for people; '' when all is well
 * @property {string} action          what the person can do
 * @property {string} said            what the server itself said about it, '' when nothing
 * @property {import('./resume.js').Resume | null} resume  how the data was taken up on this connection
 * @property {'new-version' | null} notice   the server runs another build than this page: offer to reload
 */

/**
 * @typedef {object} Account
 * @property {number} src
 * @property {string | null} epoch       '' while nobody has written to the log
 * @property {number | null} pos         last seq the viewer has; null: waits for a snapshot
 * @property {number} published          ticks of the viewer's series (n), plus every seq in a gap
 * @property {number} shown              rows
 * @property {number} merged             ticks that share a row with another
 * @property {number} gap                seqs that will not come
 * @property {number} unknownGaps        gaps whose number cannot be known; not part of `published`
 * @property {number} duplicates         messages that brought what was here already
 * @property {number} duplicateTicks     seqs they repeated
 * @property {number} discarded          messages thrown away because what they hold has been asked for again
 * @property {number} unexplained        ticks the server accounted for nowhere; anything but 0 is a fault
 * @property {number} resyncs            times this page asked for a range again
 * @property {number} reconnects         times the source was taken up again on a new socket
 * @property {{cause: string, from: number | null, to: number | null, count: number | null, a: number, b: number}[]} gaps  the last 200
 * @property {'even' | 'asked' | 'answered' | 'left'} phase
 *   even: ranges must tile. asked: a resync is under way, all is discarded until its answer. answered: the next range shows whether
 *   it helped. left: nobody subscribes to it any more
 */

/**
 * @typedef {object} Options
 * @property {string} url            `wss://HOST/ws/live/`
 * @property {string} [build]        the page's build; a server of another build raises the notice `new-version`
 * @property {string | null} [ticket]   token of a share link
 * @property {number | null} [rate]  frames a second at first; null = as the server likes
 * @property {boolean} [anonymous]   the page is for visitors without an account, so a 401 of the probe does not mean "signed out"
 * @property {boolean} [keepAwake]   a wall display: never hidden, never suspended
 * @property {number} [hideAfter]    ms in a hidden tab before the server is told to send no data
 * @property {number} [suspendAfter] ms in a hidden tab before the connection is given up until somebody looks; 0 = never
 * @property {import('./standings.js').Standings} [standings]  where to keep how sources stand, for a page that looks after them
 * @property {string} [sessionUrl]   where to ask who is signed in
 */

/**
 * @typedef {object} Seams
 * @property {any} WebSocket   constructor; another transport with the same five members (onopen, onmessage, onclose, send, close) fits as well
 * @property {() => number} now    monotonic ms
 * @property {() => number} wall   the viewer's clock, ms since 1970
 * @property {(fn: () => void, ms: number) => any} setTimeout
 * @property {(timer: any) => void} clearTimeout
 * @property {() => number} random  in [0, 1)
 * @property {EventTarget | null} target  where the page's life events can be heard
 * @property {() => 'visible' | 'hidden'} visibility  only the page can tell; without it the page counts as looked at
 * @property {typeof fetch} fetch
 */

/**
 * @typedef {object} GapMark
 * @property {string} cause  trimmed, epoch, ahead, source, failover, slow (said by the server); restart, unexplained (found here); offline (the socket was cut)
 * @property {number | null} from   server ms; null = not known
 * @property {number | null} to     null while the span is still open
 * @property {number | null} count  ticks that will not come; null = cannot be known. For `offline`: ticks that were filled in
 * @property {'gap' | 'offline' | 'repaired' | 'lost'} status
 *   gap: will not come. offline: the viewer was cut off. repaired: cut off, then filled in place. lost: cut off, then started anew
 */

/**
 * @typedef {object} Source
 * @property {number} src
 * @property {string} name
 * @property {number} cadence   seconds between ticks of the healthy source
 * @property {string} state     starting, live, late, down, stopped or degraded
 * @property {number | null} since   server ms of that state
 * @property {number | null} last    server ms of its newest tick as far as the server has said
 * @property {number | null} hz      ticks a second
 * @property {string} msg       what is wrong, in words
 * @property {number} askedAt   server ms at which this page began to wait for it
 * @property {number | null} quietAt  server ms at which it was last known to tick series that this page does not show
 */

export {};
