-- `tostring` and `..` round what is above 10^14: a version is always written by this.
local function integer(number)
  return string.format('%.0f', number)
end

-- Included by every script that decides. Reads a lane and says whether it may decide anything now: it says `open`, and
-- this is the Redis it was verified on. The server itself names its run id, so no client can be wrong about it.
local function read_lane(lane)
  local state, epoch, run_id, version, recorded =
    unpack(redis.call('HMGET', lane, 'state', 'epoch', 'runId', 'version', 'recorded'))
  local this_run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
  return {
    epoch = tonumber(epoch),
    version = tonumber(version),
    recorded = tonumber(recorded) or 0,
    run_id = run_id,
    this_run_id = this_run_id,
    is_open = state == 'open' and run_id == this_run_id and tonumber(epoch) ~= nil and tonumber(version) ~= nil,
  }
end

-- Whether anything is gone that the calling process was answered: up to `seen_version`, by the Redis `seen_run_id`. Then the
-- lane closes itself and notes what is gone, also while it waits to be armed, and when nothing at all is left of it.
local function has_lost(lane_key, lane, seen_version, seen_run_id)
  local version = lane.version or 0
  local ended_at = seen_run_id ~= lane.run_id and tonumber(redis.call('HGET', lane_key, 'end:' .. seen_run_id))
  if version >= seen_version and not (ended_at and ended_at < seen_version) then return false end

  local lost = tonumber(redis.call('HGET', lane_key, 'lost')) or 0
  redis.call('HSET', lane_key, 'state', 'closed', 'lost', integer(math.max(lost, seen_version)))
  return true
end
