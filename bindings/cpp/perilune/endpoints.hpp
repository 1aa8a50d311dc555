/// Script Endpoints: what an HTTP host answers, without a socket.
#ifndef PERILUNE_ENDPOINTS_HPP
#define PERILUNE_ENDPOINTS_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine.hpp"

namespace perilune {

/// What is to be done next for a request to Script Endpoints. New ones can come.
enum class Step : perilune_step {
    none = PERILUNE_STEP_NONE,      ///< Nothing, of what was moved from.
    answer = PERILUNE_STEP_ANSWER,  ///< Send Exchange::answer.
    body = PERILUNE_STEP_BODY,      ///< Exchange::push the body's bytes as long as it says so, then Exchange::read.
    run = PERILUNE_STEP_RUN,        ///< Exchange::run, or Exchange::submit.
    reset = PERILUNE_STEP_RESET,    ///< Store Exchange::link, then Exchange::stored.
};

/// Names of headers, in any case, and their values.
using Headers = std::vector<std::pair<std::string_view, std::string_view>>;

/// What a request's head says beside its headers: all as it came, nothing decoded.
struct Head {
    std::string_view method;                ///< "GET", "POST", ...
    std::string_view path;                  ///< The path, or all of the target where there is no query beside it.
    std::optional<std::string_view> query;  ///< What stands behind the first "?", without it.
    std::string_view mount;                 ///< The path that the endpoints are mounted below; "" at the root.
    std::string_view address;               ///< The client's; "" where it has none.
};

/// What is sent back. It points into its exchange.
struct Answer {
    std::uint32_t status;   ///< 200 to 599.
    bool close;             ///< Whether the connection is to be closed behind it.
    std::string_view body;  ///< Its length is the server's to tell: none with status 204 and 304.
    Headers headers;        ///< Names in lower case. One may be there several times: a line for each.
    std::uint64_t run_id;   ///< Of the run that it is of; 0 where none was made.
};

/// A public script and its link.
struct Link {
    std::string_view script;  ///< INSTANCE/NAME.
    std::string_view link;    ///< 40 hex digits.
};

/// A request to Script Endpoints and, in the end, the answer to it.
class Exchange : public detail::Owned<perilune_exchange, perilune_exchange_free> {
public:
    using Owned::Owned;

    /// What is to be done next. What is for another step throws Error, and does nothing.
    Step step() const noexcept { return static_cast<Step>(perilune_exchange_step(handle())); }

    /// At Step::answer, the answer.
    Answer answer() const& {
        perilune_answer_view view{};
        view.size = sizeof view;
        detail::call(perilune_exchange_answer, handle(), &view);
        Answer answer{view.status, view.close != 0, detail::text(view.body), {}, view.run_id};
        answer.headers.reserve(view.headers_len);
        for (std::size_t i = 0; i < view.headers_len; ++i) {
            answer.headers.emplace_back(detail::text(view.headers[i].name), detail::text(view.headers[i].value));
        }
        return answer;
    }
    Answer answer() const&& = delete;

    /// At Step::body, takes the next bytes, and says whether more are wanted.
    bool push(std::string_view bytes) {
        bool more = false;
        detail::call(perilune_exchange_push, mutable_handle(), detail::slice(bytes), &more);
        return more;
    }
    /// At Step::body, goes on with a body that has ended, where it should or not.
    void read(bool is_whole = true) { detail::call(perilune_exchange_read, mutable_handle(), is_whole); }

    /// At Step::run, makes the run on this thread.
    void run() { detail::call(perilune_exchange_run, mutable_handle(), static_cast<const perilune_cancel*>(nullptr)); }
    /// The same, with what ends it.
    void run(const Cancel& cancel) { detail::call(perilune_exchange_run, mutable_handle(), cancel.handle()); }
    /// At Step::run, has the run made on the engine's own threads, and then calls `answered` with this exchange at Step::answer, once: see
    /// Script::submit. It need not be copyable.
    template <class Answered>
    void submit(Answered&& answered, const Cancel& cancel = Cancel()) && {
        using State = std::decay_t<Answered>;
        static_assert(std::is_invocable_v<State, Exchange>, "the callback takes a perilune::Exchange");
        const auto tell = [](perilune_exchange* exchange, void* state) noexcept {
            const std::unique_ptr<State> function(static_cast<State*>(state));
            std::invoke(std::move(*function), Exchange(exchange));
        };
        perilune_answered callback = tell;
        auto state = std::make_unique<State>(std::forward<Answered>(answered));
        // Both may be gone before the call is over; where it fails, both are still here.
        State* given = state.release();
        perilune_exchange* own = release();
        try {
            detail::call(perilune_exchange_submit, own, cancel.handle(), callback, static_cast<void*>(given));
        } catch (...) {
            delete given;
            *this = Exchange(own);
            throw;
        }
    }

    /// At Step::reset, the script and its link to be, until the next step.
    Link link() const& {
        perilune_slice script{}, link{};
        detail::call(perilune_exchange_link, handle(), &script, &link);
        return {detail::text(script), detail::text(link)};
    }
    Link link() const&& = delete;
    /// At Step::reset, goes on with a link that was stored.
    void stored() { detail::call(perilune_exchange_stored, mutable_handle(), perilune_str(nullptr)); }
    /// The same with one that could not be: why, for the client.
    void not_stored(std::string_view reason) {
        detail::call(perilune_exchange_stored, mutable_handle(), detail::slice(reason));
    }
};

/// How Script Endpoints are to be.
class EndpointsSetup : public detail::Owned<perilune_endpoints_setup, perilune_endpoints_setup_free> {
public:
    /// For the scripts of an engine, INSTANCE/NAME. At least a key is to be added.
    explicit EndpointsSetup(const Engine& engine)
        : Owned(detail::make<detail::Guard<perilune_endpoints_setup, perilune_endpoints_setup_free>>(
                    perilune_endpoints_setup_new, engine.handle())
                    .release()) {}

    /// Adds a key of all instances.
    EndpointsSetup& key(std::string_view key) { return add(perilune_str(nullptr), key); }
    /// Adds a key of one instance.
    EndpointsSetup& key(std::string_view instance, std::string_view key) { return add(detail::slice(instance), key); }
    /// Makes a script public, with a link of 40 hex digits or a random one.
    EndpointsSetup& publish(std::string_view script, std::optional<std::string_view> link = std::nullopt) {
        detail::call(perilune_endpoints_setup_add_public, mutable_handle(), detail::slice(script),
                     link ? detail::slice(*link) : perilune_str(nullptr));
        return *this;
    }
    /// How many runs of one instance there may be in a second.
    EndpointsSetup& rate(double runs) {
        detail::call(perilune_endpoints_setup_set_rate, mutable_handle(), runs);
        return *this;
    }

private:
    EndpointsSetup& add(perilune_slice instance, std::string_view key) {
        detail::call(perilune_endpoints_setup_add_key, mutable_handle(), instance, detail::slice(key));
        return *this;
    }
};

/// The Script Endpoints of an engine's scripts. Many threads may ask one at once.
class Endpoints : public detail::Owned<perilune_endpoints, perilune_endpoints_free> {
public:
    /// Makes endpoints; throws Error where they can't be so.
    explicit Endpoints(const EndpointsSetup& setup)
        : Owned(detail::make<detail::Guard<perilune_endpoints, perilune_endpoints_free>>(perilune_endpoints_new, setup.handle())
                    .release()) {}

    /// Begins with a request whose head was read. What is wrong with it is answered.
    Exchange ask(const Head& head, const Headers& headers = {}) const {
        perilune_head given{sizeof given, detail::slice(head.method), detail::slice(head.path),
                            head.query ? detail::slice(*head.query) : perilune_str(nullptr), detail::given(head.mount),
                            detail::given(head.address)};
        std::vector<perilune_header> lines;
        lines.reserve(headers.size());
        for (const auto& [name, value] : headers) lines.push_back({detail::slice(name), detail::slice(value)});
        return detail::make<Exchange>(perilune_endpoints_ask, handle(), &given, lines.data(), lines.size());
    }

    /// Makes a script public from now on, with a link of 40 hex digits or a random one; one that is so gets this link.
    void publish(std::string_view script, std::optional<std::string_view> link = std::nullopt) const {
        detail::call(perilune_endpoints_publish, handle(), detail::slice(script),
                     link ? detail::slice(*link) : perilune_str(nullptr));
    }
    /// Has a script need a key again, from now on.
    void unpublish(std::string_view script) const {
        detail::call(perilune_endpoints_unpublish, handle(), detail::slice(script));
    }

    /// The public scripts and their links as they are now, by name.
    std::map<std::string, std::string> links() const {
        const detail::Guard<perilune_links, perilune_links_free> listed(perilune_endpoints_links(handle()));
        std::map<std::string, std::string> links;
        for (std::size_t i = 0; i < perilune_links_len(listed.get()); ++i) {
            links.emplace(detail::text(perilune_links_script(listed.get(), i)),
                          detail::text(perilune_links_link(listed.get(), i)));
        }
        return links;
    }
};

/// Answers /metrics, for Prometheus, and /healthz, without a key.
inline Exchange metrics_of(const Engine& engine, std::string_view method, std::string_view path) {
    return detail::make<Exchange>(perilune_endpoints_metrics, engine.handle(), detail::slice(method), detail::slice(path));
}

}  // namespace perilune

#endif
