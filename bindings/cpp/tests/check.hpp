/// The least of a test framework: tests that register themselves, and checks that go on after they failed.
#ifndef CHECK_HPP
#define CHECK_HPP

#include <atomic>
#include <iostream>
#include <string>
#include <vector>

struct Test {
    const char* name;
    void (*body)();

    static std::vector<Test>& all() {
        static std::vector<Test> tests;
        return tests;
    }
    static std::atomic<int>& failures() {
        static std::atomic<int> count{0};
        return count;
    }
    Test(const char* test, void (*function)()) : name(test), body(function) { all().push_back(*this); }
};

template <class A, class B>
void check_equal(const char* file, int line, const char* text, const A& a, const B& b) {
    if (a == b) return;
    ++Test::failures();
    std::cerr << file << ':' << line << ": " << text << "\n    is     " << a << "\n    not as " << b << '\n';
}

#define TEST(name)                              \
    static void test_##name();                  \
    static const Test added_##name(#name, test_##name); \
    static void test_##name()

#define CHECK(condition)                                                                 \
    do {                                                                                 \
        if (!(condition)) {                                                              \
            ++Test::failures();                                                          \
            std::cerr << __FILE__ << ':' << __LINE__ << ": not so: " << #condition << '\n'; \
        }                                                                                \
    } while (false)

#define CHECK_EQ(a, b) check_equal(__FILE__, __LINE__, #a " == " #b, a, b)

/// Checks that something is thrown as just this class, and hands the exception to what follows.
#define CHECK_THROWS(Class, expression, checks)                                                    \
    do {                                                                                           \
        try {                                                                                      \
            static_cast<void>(expression);                                                         \
            ++Test::failures();                                                                    \
            std::cerr << __FILE__ << ':' << __LINE__ << ": threw nothing: " << #expression << '\n'; \
        } catch (const Class& error) {                                                             \
            CHECK(typeid(error) == typeid(Class));                                                 \
            checks;                                                                                \
        }                                                                                          \
    } while (false)

#endif
