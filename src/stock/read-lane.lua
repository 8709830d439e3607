-- Included by every script that decides. Reads a lane and says whether it may decide anything now: it says `open`, and
-- this is the Redis it was verified on. The server itself names its run id, so no client can be wrong about it.
local function read_lane(lane)
  local state, epoch, run_id, version = unpack(redis.call('HMGET', lane, 'state', 'epoch', 'runId', 'version'))
  local this_run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
  return {
    epoch = tonumber(epoch),
    version = tonumber(version),
    run_id = run_id,
    this_run_id = this_run_id,
    is_open = state == 'open' and run_id == this_run_id and tonumber(epoch) ~= nil and tonumber(version) ~= nil,
  }
end

-- `tostring` and `..` round what is above 10^14: a version is always written by this.
local function integer(number)
  return string.format('%.0f', number)
end
