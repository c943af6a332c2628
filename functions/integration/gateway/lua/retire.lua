-- Takes an organization off the sweeper's list unless it made calls lately.
--
-- KEYS[1] the list   ARGV 1 org_ref   2 idle since (ms)
local seen = redis.call('ZSCORE', KEYS[1], ARGV[1])
if seen and tonumber(seen) < tonumber(ARGV[2]) then return redis.call('ZREM', KEYS[1], ARGV[1]) end
return 0
