-- Takes the lease of a source if nobody holds it, and makes sure that the source has an epoch.
-- KEYS: lease, meta, log, marks, last.  ARGV: owner, lease in milliseconds, an epoch to begin with, should there be none,
--       name of this question, the same until it is answered.
-- Returns {token, time of the last append by an owner who never gave the lease back, or ''}; nothing if it is held.
local held = redis.call('GET', KEYS[1])
if held and string.match(held, '^%d+:(.*)$') ~= ARGV[1] then
  return false
end
-- After a restart of Redis the last writes may be missing. Whether they are cannot be seen from here, so seqs could be
-- given twice: a new epoch says so.
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local meta = redis.call('HMGET', KEYS[2], 'epoch', 'run', 'owed', 'at', 'seq', 'claim', 'token', 'orphaned')
if not meta[1] or meta[2] ~= run then
  redis.call('HSET', KEYS[2], 'epoch', ARGV[3], 'run', run, 'seq', '0', 'batch', '', 'floor', '0', 'lost', '0')
  redis.call('DEL', KEYS[3], KEYS[4], KEYS[5])
  meta = {ARGV[3], run, '0', '0', '0', '', '', ''}
end
if held and meta[6] == ARGV[4] then
  -- It was given at the first try, and only the answer was lost.
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return {tonumber(meta[7]), meta[8]}
end
local orphaned = ''
if not held and meta[3] == '1' and meta[5] ~= '0' then
  orphaned = meta[4] or ''
end
local token = redis.call('HINCRBY', KEYS[2], 'token', 1)
redis.call('HSET', KEYS[2], 'owed', '1', 'claim', ARGV[4], 'orphaned', orphaned)
redis.call('SET', KEYS[1], token .. ':' .. ARGV[1], 'PX', ARGV[2])
return {token, orphaned}
