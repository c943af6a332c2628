-- Takes a watcher of an organization's calls on, or keeps it on; while there is one, settling shows the calls.
--
-- KEYS[1] {org_ref}:watchers, by expiry   KEYS[2] {org_ref}:watched   KEYS[3] {org_ref}:live
-- ARGV    1 whose the watcher is   2 its id, behind those of earlier ones   3 now (ms)   4 how long it is kept on (ms)
--         5 most watchers   6 most of one actor   7 1 for a new watcher, who takes the place of its actor's oldest one
--
-- Answers 1, or 0 when there are too many. `watched` outlives the last watcher, so that one who comes back at once has
-- missed nothing. Where it has ended, calls were settled that nobody is shown: an entry in the stream says so to
-- whoever reads across it.
local watcher = ARGV[1] .. ':' .. ARGV[2]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[3])
if not redis.call('ZSCORE', KEYS[1], watcher) then
  local watchers = redis.call('ZRANGE', KEYS[1], 0, -1)
  local own = {}
  for _, each in ipairs(watchers) do
    if string.sub(each, 1, #ARGV[1] + 1) == ARGV[1] .. ':' then own[#own + 1] = each end
  end
  if #own >= tonumber(ARGV[6]) then
    if ARGV[7] ~= '1' then return 0 end
    table.sort(own)
    redis.call('ZREM', KEYS[1], own[1])
  elseif #watchers >= tonumber(ARGV[5]) then
    return 0
  end
end
redis.call('ZADD', KEYS[1], tonumber(ARGV[3]) + tonumber(ARGV[4]), watcher)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
if redis.call('EXISTS', KEYS[2]) == 0 then
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', 1000, '*', 'missed', 1)
end
redis.call('SET', KEYS[2], 1, 'PX', ARGV[4])
redis.call('PEXPIRE', KEYS[3], 300000) -- so that a place in it is kept while nothing happens
return 1
