-- Takes a watcher of somebody's inbox on, or keeps it on.
--
-- KEYS[1] the person's watchers, by expiry
-- ARGV    1 the watcher's id, behind those of earlier ones   2 now (ms)   3 how long it is kept on (ms)
--         4 most watchers   5 1 for a new watcher, who takes the place of the oldest one
--
-- Answers 1, or 0 when others have its place.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  local watchers = redis.call('ZRANGE', KEYS[1], 0, -1)
  if #watchers >= tonumber(ARGV[4]) then
    if ARGV[5] ~= '1' then return 0 end
    table.sort(watchers)
    redis.call('ZREM', KEYS[1], watchers[1])
  end
end
redis.call('ZADD', KEYS[1], tonumber(ARGV[2]) + tonumber(ARGV[3]), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
