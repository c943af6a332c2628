-- Ends a call: releases its hold, charges what it cost, journals its usage event and stores its answer, all or nothing.
-- A second settlement of the same call has no effect.
--
-- KEYS[1] {org_ref}:hold:<id>   KEYS[2] {org_ref}:holds   KEYS[3] {org_ref}:usage, the journal
-- KEYS[4] {org_ref}:cache:<project>:<digest>
-- ARGV    1 id of the hold   2 cost (pico-dollars)   3 tokens used   4 usage event (JSON)   5 now (ms)
--         6 answer to store, '' for none         7 its time to live (ms)
--
-- Answers the journal entry's id, or false when the call was settled before.
local MINUTE = 60000
local text = redis.call('GET', KEYS[1])
if not text then return false end
local hold = cjson.decode(text)
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
for _, name in ipairs(hold.budgets or {}) do
  redis.call('HINCRBY', name, 'held', '-' .. hold.amount)
  redis.call('HINCRBY', name, 'spent', ARGV[2])
end
if hold.tpm then
  local arrival = redis.call('GET', hold.tokens_name)
  local now = tonumber(ARGV[5])
  local change = (tonumber(ARGV[3]) - hold.tokens) * MINUTE / hold.tpm
  local corrected = math.max(tonumber(arrival or '0'), now) + change
  if corrected > now then
    redis.call('SET', hold.tokens_name, string.format('%.3f', corrected), 'PX', math.ceil(corrected - now))
  elseif arrival then
    redis.call('DEL', hold.tokens_name)
  end
end
if ARGV[6] ~= '' then redis.call('SET', KEYS[4], ARGV[6], 'PX', ARGV[7]) end
return redis.call('XADD', KEYS[3], '*', 'event', ARGV[4])
