-- Filters a GitHub push event: which builds to start, and whom to tell.
--
-- POST is the event, META.headers the request's headers in lower case, CONFIG the rules:
--   builds      a list of { name, branches = {glob, …}, paths = {glob, …} or absent for any, notify = channel or absent }
--   force_push  a list of channels that hear of rewritten history

-- A glob as a Lua pattern: `*` stays within a folder, `**` does not.
local function pattern_of(glob: string): string
	local escaped = string.gsub(glob, "[%^%$%(%)%%%.%[%]%+%-%?]", "%%%0")
	local pattern = string.gsub(escaped, "%*+", function(stars)
		return if #stars > 1 then ".*" else "[^/]*"
	end)
	return `^{pattern}$`
end

-- The first of the names that one of the globs matches.
local function first_match(names: { string }, globs: { string }): string?
	for _, glob in globs do
		local pattern = pattern_of(glob)
		for _, name in names do
			if string.match(name, pattern) then
				return name
			end
		end
	end
	return nil
end

-- Every file that a commit touched: each once, sorted.
local function changed_files(commits): { string }
	local seen, files = {}, {}
	for _, commit in commits do
		for _, list in { commit.added, commit.modified, commit.removed } do
			for _, file in list do
				if not seen[file] then
					seen[file] = true
					table.insert(files, file)
				end
			end
		end
	end
	table.sort(files)
	return files
end

-- One line for people: who pushed what, and the last commit's subject.
local function summary(branch: string): string
	local count, subject = #POST.commits, string.match(POST.head_commit.message, "^[^\n]*")
	local commits = if count == 1 then "1 commit" else `{count} commits`
	return `{POST.sender.login} pushed {commits} to {POST.repository.name}/{branch}: {subject}`
end

-- json.array keeps a list that stays empty a list: `[]`, not `{}`.
local result = { builds = json.array(), notify = json.array() }

local function skip(reason: string)
	result.skipped = reason
	return result
end

local event = if META.headers then META.headers["x-github-event"] else nil
if event ~= "push" then
	return skip(`the event is {event or "missing"}, not push`)
end

if type(POST.ref) ~= "string" then
	error("the event has no ref: is POST the payload of a push?")
end
local branch = string.match(POST.ref, "^refs/heads/(.+)$")
if not branch then
	return skip(`{POST.ref} is not a branch`)
end
-- A JSON null is json.null, which is true in an `if`: compare with it.
if POST.deleted or POST.head_commit == json.null then
	return skip(`{branch} was deleted`)
end

if POST.forced then
	for _, channel in CONFIG.force_push or {} do
		table.insert(result.notify, { channel = channel, text = `{POST.sender.login} rewrote {branch}: {POST.compare}` })
	end
end

local message = string.lower(POST.head_commit.message)
if string.find(message, "[skip ci]", 1, true) or string.find(message, "[ci skip]", 1, true) then
	return skip("the commit asks for it")
end

local files = changed_files(POST.commits)
for _, rule in CONFIG.builds do
	local on_branch = first_match({ branch }, rule.branches) ~= nil
	local because = if rule.paths then first_match(files, rule.paths) else files[1]
	if on_branch and because then
		table.insert(result.builds, { name = rule.name, branch = branch, commit = POST.after, because = because })
		if rule.notify then
			table.insert(result.notify, { channel = rule.notify, text = summary(branch) })
		end
		print(`{rule.name}: {because}`)
	end
end
return result
