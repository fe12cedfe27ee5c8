-- Appends one batch to the log of a source: checks the lease, gives the seqs, writes the entry, trims. All or nothing.
-- KEYS: lease, meta, log, marks, last.
-- ARGV: lease as it must be, id of the batch, seq that the log must be at or beyond, a new epoch should it not be,
--       number of ticks, the entry, why they are lost ('' when they are not), from, to, ticks to keep, milliseconds to
--       keep, then series, row, tick for the last tick of each series.
-- Returns {epoch, oldest, head}, or {'lost', who holds the lease}.
local meta = redis.call('HMGET', KEYS[2], 'epoch', 'seq', 'batch', 'floor')
local epoch, head, floor = meta[1], tonumber(meta[2] or '0'), tonumber(meta[4] or '0')
if meta[3] == ARGV[2] then
  -- It is there already, and only the answer was lost; who holds the lease by now does not matter.
  return {epoch, floor + 1, head}
end
local held = redis.call('GET', KEYS[1])
if held ~= ARGV[1] then
  return {'lost', held or 'nobody'}
end
if not epoch or head < tonumber(ARGV[3]) then
  -- The log has forgotten what it had confirmed; the same seqs must not be given again.
  redis.call('DEL', KEYS[3], KEYS[4], KEYS[5])
  redis.call('HDEL', KEYS[2], 'lost')
  epoch, head, floor = ARGV[4], 0, 0
end
-- Each key is looked at before any is written to: one that is of another type ends this here, not halfway.
local newest = redis.call('LINDEX', KEYS[4], -1)
redis.call('XLEN', KEYS[3])
redis.call('HLEN', KEYS[5])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local first = head + 1
head = head + tonumber(ARGV[5])
if ARGV[7] ~= '' then
  redis.call('HINCRBY', KEYS[2], 'lost', ARGV[5])
end
redis.call('XADD', KEYS[3], head .. '-0', 'n', ARGV[5], 'at', now, 'c', ARGV[6], 'w', ARGV[7], 'f', ARGV[8], 'u', ARGV[9])
for place = 12, #ARGV, 3 do
  redis.call('HSET', KEYS[5], ARGV[place], (first + ARGV[place + 1]) .. ' ' .. ARGV[place + 2])
end
-- Marks say which seq came when, about two hundred of them over the time that is kept.
local keep = tonumber(ARGV[11])
if not newest or now - tonumber(string.match(newest, ' (%d+)$')) >= keep / 200 then
  redis.call('RPUSH', KEYS[4], first .. ' ' .. now)
  -- A writer who goes on across a restart of Redis proves that nothing it had confirmed was forgotten, so whoever takes
  -- the lease after him need not begin a new epoch. Now and then is enough.
  redis.call('HSET', KEYS[2], 'run', string.match(redis.call('INFO', 'server'), 'run_id:(%x+)'))
end
local trimmed = math.max(floor, head - tonumber(ARGV[10]))
while true do
  local second = redis.call('LINDEX', KEYS[4], 1)
  if not second or tonumber(string.match(second, ' (%d+)$')) >= now - keep then
    break
  end
  redis.call('LPOP', KEYS[4])
  trimmed = math.max(trimmed, tonumber(string.match(second, '^%d+')) - 1)
end
if trimmed > floor then
  -- An entry is called by its last seq: those up to `trimmed` go, one that reaches beyond it stays.
  redis.call('XTRIM', KEYS[3], 'MINID', '=', (trimmed + 1) .. '-0')
  floor = trimmed
end
redis.call('HSET', KEYS[2], 'epoch', epoch, 'seq', head, 'batch', ARGV[2], 'floor', floor, 'at', now)
return {epoch, floor + 1, head}
