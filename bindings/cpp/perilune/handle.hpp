/// How the other headers own what the C API makes.
#ifndef PERILUNE_HANDLE_HPP
#define PERILUNE_HANDLE_HPP

#include <cstddef>
#include <memory>
#include <string_view>

#include <perilune.h>

namespace perilune::detail {

/// Frees an object of the C API.
template <auto Free>
struct Deleter {
    template <class Object>
    void operator()(Object* object) const noexcept {
        Free(object);
    }
};

/// Owns an object of the C API, which takes NULL for one that was moved from.
template <class Object, auto Free>
class Owned {
public:
    /// Takes over an object of the C API.
    explicit Owned(Object* owned) noexcept : object_(owned) {}

    /// What it owns.
    using element_type = Object;
    /// The object of the C API, lent. NULL of what was moved from.
    const Object* handle() const noexcept { return object_.get(); }

protected:
    Object* mutable_handle() noexcept { return object_.get(); }

private:
    std::unique_ptr<Object, Deleter<Free>> object_;
};

/// Owns an object of the C API that can be copied.
template <class Object, auto Free, auto Clone>
class Copyable : public Owned<Object, Free> {
public:
    using Owned<Object, Free>::Owned;

    /// Copies as the C API does.
    Copyable(const Copyable& other) noexcept : Owned<Object, Free>(Clone(other.handle())) {}
    Copyable(Copyable&&) noexcept = default;
    /// Copies as the C API does.
    Copyable& operator=(const Copyable& other) noexcept { return *this = Copyable(other); }
    Copyable& operator=(Copyable&&) noexcept = default;
    ~Copyable() = default;
};

/// Owns a C object for the length of a function.
template <class Object, auto Free>
using Guard = std::unique_ptr<Object, Deleter<Free>>;

/// A text that a function of the C API lends; empty when there is none.
template <class Function, class... Arguments>
std::string_view text(Function function, Arguments... arguments) noexcept {
    std::size_t size = 0;
    const char* data = function(arguments..., &size);
    return data == nullptr ? std::string_view() : std::string_view(data, size);
}

/// The pointer of a view; to the C API, NULL is no text at all.
inline const char* pointer(std::string_view text) noexcept { return text.data() == nullptr ? "" : text.data(); }

/// Frees a callback's state.
template <class State>
void destroy(void* state) noexcept {
    delete static_cast<State*>(state);
}

}  // namespace perilune::detail

#endif
