// A C++ host that has templates of its own by the names of those inside the library, and exceptions, on several threads.

#include <perilune.h>

#include <cstdio>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

static bool runs(const perilune_script *script, int number)
{
    std::unordered_map<std::string, std::vector<std::string>> map;
    std::map<std::string, int> sorted;
    for (int i = 0; i < 100; i++) {
        map[std::to_string(i % 7)].push_back(std::to_string(i));
        sorted[std::to_string(i)] = i;
    }
    bool caught = false;
    try {
        map.at("none");
    } catch (const std::out_of_range &) {
        caught = true;
    }
    std::string query = "n=" + std::to_string(number);
    perilune_trace *trace = nullptr;
    if (perilune_script_run(script, perilune_bytes(query.data(), query.size()), perilune_str(nullptr), nullptr, &trace,
                            nullptr) != PERILUNE_OK) {
        return false;
    }
    perilune_slice out = perilune_trace_stdout(trace);
    bool right = std::string(out.data, out.len) == std::to_string(number) + "\n";
    perilune_trace_free(trace);
    return right && caught && map.size() == 7 && sorted.size() == 100;
}

int main()
{
    perilune_engine *engine = nullptr;
    perilune_script *script = nullptr;
    // An error in a script is a C++ exception inside of the library.
    const char *source = "assert(not pcall(error, 'x')) print(GET.n)";
    if (perilune_engine_new(nullptr, &engine, nullptr) != PERILUNE_OK ||
        perilune_engine_compile(engine, perilune_str("host"), perilune_str(source), &script, nullptr) != PERILUNE_OK) {
        return 1;
    }
    std::vector<int> wrong(4);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < wrong.size(); i++) {
        threads.emplace_back([&wrong, script, i] {
            for (int run = 0; run < 200; run++) {
                wrong[i] += !runs(script, run);
            }
        });
    }
    int failures = 0;
    for (std::size_t i = 0; i < wrong.size(); i++) {
        threads[i].join();
        failures += wrong[i];
    }
    perilune_script_free(script);
    perilune_engine_free(engine);
    if (failures > 0) {
        std::fprintf(stderr, "%d runs went wrong\n", failures);
    }
    return failures > 0;
}
