-- Included by every script that writes for a rebuild. The lane must still be the one that this guard has closed, on this
-- very Redis: after a restart a part of what was written may be gone, after FLUSHALL all of it.
local function is_being_rebuilt(lane, token, run_id)
  local state, newest = unpack(redis.call('HMGET', lane, 'state', 'guardToken'))
  local this_run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
  return state == 'closed' and newest == token and this_run_id == run_id
end
