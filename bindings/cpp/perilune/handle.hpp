/// How the other headers own what the C API makes.
#ifndef PERILUNE_HANDLE_HPP
#define PERILUNE_HANDLE_HPP

#include <cstddef>
#include <memory>
#include <optional>
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
    /// Gives the object away.
    Object* release() noexcept { return object_.release(); }

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

/// A text that the C API lends; empty when there is none.
inline std::string_view text(perilune_slice slice) noexcept {
    return slice.data == nullptr ? std::string_view() : std::string_view(slice.data, slice.len);
}

/// The same where it makes a difference that there is none.
inline std::optional<std::string_view> maybe(perilune_slice slice) noexcept {
    return slice.data == nullptr ? std::nullopt : std::optional<std::string_view>(text(slice));
}

/// A text for the C API, or none at all where the view has no pointer.
inline perilune_slice given(std::string_view text) noexcept { return perilune_bytes(text.data(), text.size()); }

/// A text for the C API, which a view without a pointer is, too.
inline perilune_slice slice(std::string_view text) noexcept { return text.data() == nullptr ? perilune_str("") : given(text); }

/// Frees a callback's state.
template <class State>
void destroy(void* state) noexcept {
    delete static_cast<State*>(state);
}

}  // namespace perilune::detail

#endif
