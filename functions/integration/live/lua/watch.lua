-- Takes a watcher of an organization's calls on, or keeps it on; while there is one, settling shows the calls.
--
-- KEYS[1] {org_ref}:watchers, by expiry   KEYS[2] {org_ref}:watched
-- ARGV    1 id of the watcher   2 now (ms)   3 how long it is kept on (ms)   4 most watchers
--
-- Answers 1, or 0 when there are too many. `watched` outlives the last watcher, so that one who comes back at once has
-- missed nothing.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) then return 0 end
redis.call('ZADD', KEYS[1], tonumber(ARGV[2]) + tonumber(ARGV[3]), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('SET', KEYS[2], 1, 'PX', ARGV[3])
return 1
