import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Standings } from '../../static/js/live/standings.js';

const row = (src, more = {}) => ({ src, epoch: 'e', head: 10, lost: 0, refused: 0, worker: 'mill:1', viewers: 0, ...more });
const market = { src: 42, name: 'Market', cadence: 1, enabled: true };

describe('standings', () => {
  test('a source of which nothing was told is unknown', () => {
    const standings = new Standings();
    standings.define([market]);
    const [found] = standings.all();
    assert.deepEqual([found.state, found.told, found.worker, found.last], ['unknown', false, null, null]);
  });

  test('what was known of a source stays when it is told anew, and one that is gone goes', () => {
    const standings = new Standings();
    standings.define([market, { ...market, src: 43 }]);
    standings.report({ src: 42, state: 'live', since: 1, last: 5, hz: 2, msg: '' });
    standings.stand({ now: 10, s: [row(42)] });
    standings.define([{ ...market, enabled: false }]);
    assert.equal(standings.size, 1);
    const [found] = standings.all();
    assert.deepEqual([found.state, found.head, found.enabled], ['live', 10, false]);
  });

  test('a head that moves is a tick that has just come, but the first one tells nothing of when', () => {
    const standings = new Standings();
    standings.define([market]);
    standings.stand({ now: 1000, s: [row(42)] });
    assert.equal(standings.all()[0].last, null);
    standings.stand({ now: 2000, s: [row(42, { head: 12 })] });
    assert.equal(standings.all()[0].last, 2000);
    standings.stand({ now: 3000, s: [row(42, { head: 12, viewers: 2 })] });
    assert.equal(standings.all()[0].last, 2000);
  });

  test('a new epoch is no tick, and an older word does not make a source older', () => {
    const standings = new Standings();
    standings.define([market]);
    standings.stand({ now: 1000, s: [row(42)] });
    standings.stand({ now: 2000, s: [row(42, { epoch: 'f', head: 40 })] });
    assert.equal(standings.all()[0].last, null);
    standings.report({ src: 42, state: 'live', since: 1, last: 1900, hz: 2, msg: '' });
    standings.stand({ now: 3000, s: [row(42, { epoch: 'f', head: 41 })] });
    standings.report({ src: 42, state: 'live', since: 1, last: 2500, hz: 2, msg: '' });
    assert.equal(standings.all()[0].last, 3000);
  });

  test('what is told of others is let go', () => {
    const standings = new Standings();
    standings.report({ src: 1, state: 'live' });
    standings.stand({ now: 1, s: [row(1)] });
    assert.equal(standings.size, 0);
  });
});
