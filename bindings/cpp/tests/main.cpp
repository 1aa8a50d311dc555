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
    return Test::failures() == 0 ? 0 : 1;
}
