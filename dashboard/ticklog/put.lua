-- Puts one entry into the inbox of a source, if there is room and it did not come before. All or nothing.
-- KEYS: stream, bytes that ever went through it, name of what must come only once.
-- ARGV: the entry, bytes that it counts, bytes that may wait, milliseconds to remember the name ('' = it has none),
--       milliseconds after which an inbox that nobody uses is forgotten.
-- Returns 'put', 'full' or 'before'.
local through = tonumber(redis.call('GET', KEYS[2]) or '0')
local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
-- An entry carries how much went through before it, so what waits need not be counted when entries are removed.
local waiting = 0
if oldest then
  waiting = through - tonumber(oldest[2][2])
end
if waiting + tonumber(ARGV[2]) > tonumber(ARGV[3]) then
  return 'full'
end
if ARGV[4] ~= '' and not redis.call('SET', KEYS[3], '1', 'NX', 'PX', ARGV[4]) then
  return 'before'
end
redis.call('XADD', KEYS[1], '*', 'b', through, 'c', ARGV[1])
redis.call('SET', KEYS[2], through + tonumber(ARGV[2]), 'PX', ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 'put'
