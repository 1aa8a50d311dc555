#include <exception>

#include <perilune.hpp>

#include "check.hpp"

int main() {
    for (const Test& test : Test::all()) {
        const int before = Test::failures();
        try {
            test.body();
        } catch (const std::exception& error) {
            ++Test::failures();
            std::cerr << "threw " << error.what() << '\n';
        }
        CHECK_EQ(perilune_live_objects(), 0U);
        if (Test::failures() != before) std::cerr << "in " << test.name << '\n';
    }
    // None at all is a mistake, not success.
    return Test::failures() == 0 && !Test::all().empty() ? 0 : 1;
}
