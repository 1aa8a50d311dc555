/// Values that cross between a host and its scripts.
#ifndef PERILUNE_VALUE_HPP
#define PERILUNE_VALUE_HPP

#include <algorithm>
#include <cstddef>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "error.hpp"

namespace perilune {

/// What a value or an argument is.
enum class Type : perilune_type {
    null = PERILUNE_TYPE_NULL,        ///< json.null, nil, or an argument that is not there.
    boolean = PERILUNE_TYPE_BOOLEAN,  ///< True or false.
    number = PERILUNE_TYPE_NUMBER,    ///< A double.
    string = PERILUNE_TYPE_STRING,    ///< Bytes.
    array = PERILUNE_TYPE_ARRAY,      ///< Elements in order.
    object = PERILUNE_TYPE_OBJECT,    ///< Members.
    table = PERILUNE_TYPE_TABLE,      ///< Of an argument: a table, array or object.
    other = PERILUNE_TYPE_OTHER,      ///< Of an argument: what can't cross, such as a function.
};

/// JSON text, as the argument or the result of a host function.
struct Json {
    std::string text;  ///< The text.
};

namespace detail {

/// Whether a double may not have it exactly.
template <class T>
inline constexpr bool is_wide = std::is_integral_v<T> && (std::numeric_limits<T>::digits > std::numeric_limits<double>::digits);

/// Whether a script gets it as a number.
template <class T>
constexpr bool is_exact(T value) noexcept {
    constexpr T most = PERILUNE_MAX_EXACT;
    if constexpr (std::is_signed_v<T>) {
        if (value < -most) return false;
    }
    return value <= most;
}

}  // namespace detail

/// A value as JSON has them, but strings are any bytes. It is the host's own: the C API is met only where it crosses.
///
///     Value::Object{{"sku", "MOON-1"}, {"left", 7}, {"sizes", Value::Array{1, 2, nullptr}}}
class Value {
public:
    /// Elements in order.
    using Array = std::vector<Value>;
    /// Members in no order; of a repeated key the last counts.
    using Object = std::vector<std::pair<std::string, Value>>;

    /// Null.
    Value() noexcept = default;
    /// Null.
    Value(std::nullptr_t) noexcept {}
    /// A boolean or a number. Scripts have doubles: an integer that none has exactly, beyond ±2^53, is a string of its digits.
    template <class T, std::enable_if_t<std::is_arithmetic_v<T>, int> = 0>
    Value(T value) noexcept(!detail::is_wide<T>) {
        if constexpr (std::is_same_v<T, bool>) {
            data_ = value;
        } else if constexpr (detail::is_wide<T>) {
            if (detail::is_exact(value)) {
                data_ = static_cast<double>(value);
            } else {
                data_ = std::to_string(value);
            }
        } else {
            data_ = static_cast<double>(value);
        }
    }
    /// A string.
    Value(std::string value) noexcept : data_(std::move(value)) {}
    /// A string.
    Value(std::string_view value) : data_(std::string(value)) {}
    /// A string that ends at its NUL byte.
    Value(const char* value) : data_(std::string(value)) {}
    /// An array.
    Value(Array elements) noexcept : data_(std::move(elements)) {}
    /// An object.
    Value(Object members) noexcept : data_(std::move(members)) {}

    /// What it is.
    Type type() const noexcept { return static_cast<Type>(data_.index()); }
    /// Whether it is null.
    bool is_null() const noexcept { return type() == Type::null; }
    /// The boolean, if it is one.
    std::optional<bool> boolean() const noexcept { return copy<bool>(); }
    /// The number, if it is one.
    std::optional<double> number() const noexcept { return copy<double>(); }
    /// The bytes of the string, if it is one.
    std::optional<std::string_view> string() const& noexcept {
        const std::string* string = std::get_if<std::string>(&data_);
        return string == nullptr ? std::nullopt : std::optional<std::string_view>(*string);
    }
    std::optional<std::string_view> string() const&& = delete;
    /// The elements; NULL if it is no array.
    const Array* array() const& noexcept { return std::get_if<Array>(&data_); }
    const Array* array() const&& = delete;
    /// The members; NULL if it is no object.
    const Object* object() const& noexcept { return std::get_if<Object>(&data_); }
    const Object* object() const&& = delete;

    /// The member of a key; null where there is none.
    const Value& operator[](std::string_view key) const& noexcept {
        if (const Object* members = object()) {
            for (auto member = members->rbegin(); member != members->rend(); ++member) {
                if (member->first == key) return member->second;
            }
        }
        return none();
    }
    const Value& operator[](std::string_view key) const&& = delete;
    /// An element, from 0; null where there is none.
    const Value& operator[](std::size_t index) const& noexcept {
        const Array* elements = array();
        return elements != nullptr && index < elements->size() ? (*elements)[index] : none();
    }
    const Value& operator[](std::size_t index) const&& = delete;

    /// Whether both are the same, in whatever order members are: from a script it is another in each VM.
    friend bool operator==(const Value& a, const Value& b) {
        const Object *one = a.object(), *other = b.object();
        if (one == nullptr || other == nullptr) return a.data_ == b.data_;
        const auto members = by_key(*one), others = by_key(*other);
        return std::equal(members.begin(), members.end(), others.begin(), others.end(),
                          [](const auto& x, const auto& y) { return x.first == y.first && *x.second == *y.second; });
    }
    /// Whether they differ.
    friend bool operator!=(const Value& a, const Value& b) { return !(a == b); }

private:
    template <class T>
    std::optional<T> copy() const noexcept {
        const T* value = std::get_if<T>(&data_);
        return value == nullptr ? std::nullopt : std::optional<T>(*value);
    }

    static std::map<std::string_view, const Value*> by_key(const Object& members) {
        std::map<std::string_view, const Value*> last;
        for (const auto& [key, value] : members) last[key] = &value;
        return last;
    }

    static const Value& none() noexcept {
        static const Value null;
        return null;
    }

    // In the order of Type.
    std::variant<std::nullptr_t, bool, double, std::string, Array, Object> data_;
};

namespace detail {

using ValueGuard = Guard<perilune_value, perilune_value_free>;

/// Hands a value to the C API.
inline ValueGuard to_c(const Value& value) {
    switch (value.type()) {
        case Type::boolean: return ValueGuard(perilune_value_new_boolean(*value.boolean()));
        case Type::number: return ValueGuard(perilune_value_new_number(*value.number()));
        case Type::string: return ValueGuard(perilune_value_new_string(given(*value.string())));
        case Type::array: {
            ValueGuard array(perilune_value_new_array());
            for (const Value& element : *value.array()) call(perilune_value_push, array.get(), to_c(element).release());
            return array;
        }
        case Type::object: {
            ValueGuard object(perilune_value_new_object());
            for (const auto& [key, member] : *value.object()) {
                call(perilune_value_set, object.get(), given(key), to_c(member).release());
            }
            return object;
        }
        default: return ValueGuard(perilune_value_new_null());
    }
}

/// Copies a value of the C API.
inline Value from_c(const perilune_value* value) {
    switch (perilune_value_type(value)) {
        case PERILUNE_TYPE_BOOLEAN: return perilune_value_boolean(value);
        case PERILUNE_TYPE_NUMBER: return perilune_value_number(value);
        case PERILUNE_TYPE_STRING: return text(perilune_value_string(value));
        case PERILUNE_TYPE_ARRAY: {
            Value::Array elements(perilune_value_len(value));
            for (std::size_t i = 0; i < elements.size(); ++i) elements[i] = from_c(perilune_value_at(value, i));
            return Value(std::move(elements));
        }
        case PERILUNE_TYPE_OBJECT: {
            Value::Object members(perilune_value_len(value));
            for (std::size_t i = 0; i < members.size(); ++i) {
                members[i] = {std::string(text(perilune_value_key(value, i))), from_c(perilune_value_at(value, i))};
            }
            return Value(std::move(members));
        }
        default: return nullptr;
    }
}

}  // namespace detail
}  // namespace perilune

#endif
