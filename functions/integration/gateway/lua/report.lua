-- Records how a call to a target ended, and opens its circuit after too many failures in a row.
--
-- KEYS[1] {org_ref}:target:<id>   KEYS[2] {org_ref}:target:<id>:busy
-- ARGV    1 id of the call   2 'ok', 'failed', or 'left' when nothing was learned   3 now (ms)
--         4 latency to the first byte (ms), '' when unknown   5 failures that open the circuit
--         6 for how long (ms)   7 how long all this is remembered (ms)
redis.call('ZREM', KEYS[2], ARGV[1])
if ARGV[2] == 'left' then return end
if ARGV[2] == 'ok' then
  redis.call('HDEL', KEYS[1], 'failures', 'open_until')
  if ARGV[4] ~= '' then
    local before = redis.call('HGET', KEYS[1], 'latency')
    local latency = before and 0.8 * tonumber(before) + 0.2 * tonumber(ARGV[4]) or tonumber(ARGV[4])
    redis.call('HSET', KEYS[1], 'latency', string.format('%.3f', latency))
  end
elseif redis.call('HINCRBY', KEYS[1], 'failures', 1) >= tonumber(ARGV[5]) then
  redis.call('HSET', KEYS[1], 'open_until', string.format('%d', tonumber(ARGV[3]) + tonumber(ARGV[6])))
end
redis.call('PEXPIRE', KEYS[1], ARGV[7])
