local text = { name = "util.text" }
function text.title(words) return (words:gsub("^%l", string.upper)) end

print(text.name, text.title("manticore"), true)
