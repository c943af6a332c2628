-- Ends a call: journals its usage event, charges what it cost, stores its answer and releases its hold.
-- A second settlement of the same call has no effect.
--
-- KEYS[1] {org_ref}:hold:<id>   KEYS[2] {org_ref}:holds   KEYS[3] {org_ref}:usage, the journal
-- KEYS[4] {org_ref}:cache:<project>:<digest>
-- ARGV    1 id of the hold   2 cost (pico-dollars)   3 tokens used   4 usage event (JSON), '' for a call never made
--         5 now (ms)         6 answer to store, '' for none   7 its time to live (ms)
--
-- Answers the journal entry's id, '' when nothing was journaled, or false when the call was settled before.
local text = redis.call('GET', KEYS[1])
if not text then return false end
local hold = cjson.decode(text)
local entry = ''
-- What could fail comes first, so that a failure leaves the hold to the sweeper.
if ARGV[4] ~= '' then entry = redis.call('XADD', KEYS[3], '*', 'event', ARGV[4]) end
local released = hold.amount == '0' and '0' or '-' .. hold.amount -- '-0' is no integer to Redis
for _, name in ipairs(hold.budgets or {}) do
  redis.call('HINCRBY', name, 'spent', ARGV[2])
  redis.call('HINCRBY', name, 'held', released)
end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
if ARGV[6] ~= '' then redis.call('SET', KEYS[4], ARGV[6], 'PX', ARGV[7]) end

-- The rate limit is corrected to what was used. What has drained since the reservation is not given back: other calls
-- may have taken its place.
if hold.tpm then
  local MINUTE = 60000
  local now = tonumber(ARGV[5])
  local change = (tonumber(ARGV[3]) - hold.tokens) * MINUTE / hold.tpm
  if change < 0 then
    local reserved = hold.tokens * MINUTE / hold.tpm
    local undrained = math.max(0, hold.arrival - math.max(now, hold.arrival - reserved))
    change = -math.min(-change, undrained)
  end
  local arrival = math.max(tonumber(redis.call('GET', hold.tokens_name) or '0'), now) + change
  if arrival > now then
    redis.call('SET', hold.tokens_name, string.format('%.3f', arrival), 'PX', math.ceil(arrival - now))
  else
    redis.call('DEL', hold.tokens_name)
  end
end
return entry
