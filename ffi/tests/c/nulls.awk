# Writes the calls of nulls.c from the header: each function with NULL at no place, at each, and at all. A type that has no value
# in the table below ends it, so that a new export is not left out.

BEGIN {
    # What stands at a place that is not NULL: by type, and where that does not say enough by type and name.
    value["const struct perilune_options *"] = "the.options"
    value["struct perilune_options *"] = "the.changed_options"
    value["const struct perilune_engine *"] = "the.engine"
    value["const struct perilune_script *"] = "the.script"
    value["struct perilune_script *"] = "the.script"
    value["const struct perilune_request *"] = "the.request"
    value["struct perilune_request *"] = "the.request"
    value["const struct perilune_cancel *"] = "the.cancel"
    value["const struct perilune_trace *"] = "the.trace"
    value["const struct perilune_error *"] = "the.error"
    value["const struct perilune_scripts *"] = "the.scripts"
    value["const struct perilune_report *"] = "the.report"
    value["const struct perilune_metrics *"] = "the.metrics"
    value["const struct perilune_diagnostics *"] = "the.diagnostics"
    value["const struct perilune_sandbox *"] = "the.sandbox"
    value["const struct perilune_value *"] = "the.array"
    value["struct perilune_value * array"] = "the.array"
    value["struct perilune_value * object"] = "the.object"
    value["const struct perilune_call *"] = "the.call"
    value["struct perilune_call *"] = "the.call"
    value["const struct perilune_endpoints_setup *"] = "the.setup"
    value["struct perilune_endpoints_setup *"] = "the.changed_setup"
    value["const struct perilune_endpoints *"] = "the.endpoints"
    value["const struct perilune_links *"] = "the.links"
    value["const struct perilune_pending *"] = "lent_pending()"
    value["struct perilune_pending *"] = "fresh_pending()"
    value["const struct perilune_head *"] = "head()"
    value["const struct perilune_exchange *"] = "asked()"
    value["struct perilune_exchange *"] = "asked()"
    # Given away.
    value["struct perilune_value * element"] = "perilune_value_new_null()"
    value["struct perilune_value * member"] = "perilune_value_new_null()"
    value["struct perilune_value * value"] = "perilune_value_new_null()"
    # Outputs.
    split("engine script trace error scripts report watch metrics sandbox diagnostics value endpoints_setup endpoints exchange", types, " ")
    for (i in types) {
        value["struct perilune_" types[i] " **"] = "&out." types[i]
    }
    value["struct perilune_trace ** traces"] = "&out.trace"
    value["struct perilune_error ** errors"] = "&out.one_error"
    value["struct perilune_trace_view *"] = "trace_view()"
    value["const struct perilune_trace_view *"] = "filled_view()"
    value["const struct perilune_header *"] = "&the.header"
    value["struct perilune_metrics_view *"] = "metrics_view()"
    value["struct perilune_answer_view *"] = "answer_view()"
    value["size_t * line"] = "&out.line"
    value["size_t * column"] = "&out.column"
    value["size_t * offset"] = "&out.offset"
    value["double *"] = "&out.number"
    value["uint64_t *"] = "&out.bytes"
    value["bool *"] = "&out.boolean"
    value["perilune_slice *"] = "&out.slice"
    value["perilune_slice * value"] = value["perilune_slice * link"] = "&out.second_slice"
    # Texts of three bytes that mean something.
    text_of["name"] = text_of["instance"] = text_of["key"] = text_of["string"] = text_of["message"] = text_of["value"] = "\"abc\""
    text_of["data"] = text_of["reason"] = text_of["link"] = "\"abc\""
    text_of["script"] = "\"i/a\""
    text_of["method"] = "\"GET\""
    text_of["tenant"] = "\"abc\""
    text_of["program"] = "WORKER"
    text_of["text"] = "\"512\""
    text_of["source"] = "\"--x\""
    text_of["query"] = "\"a=b\""
    text_of["body"] = text_of["json"] = "\"{ }\""
    text_of["path"] = "\"./.\""
    value["const perilune_limit *"] = "LIMITS"
    value["const uint64_t *"] = "VALUES"
    value["const struct perilune_request *const *"] = "the.requests"
    # Callbacks.
    value["perilune_function"] = "on_call"
    value["perilune_gone"] = "on_gone"
    value["perilune_destroy"] = "on_destroy"
    value["perilune_done"] = "on_done"
    value["perilune_answered"] = "on_answered"
    value["perilune_progress"] = "on_progress"
    value["perilune_poll"] = "on_poll"
    value["perilune_watcher"] = "on_report"
    value["void *"] = "&out"
    # What is no pointer.
    plain["size_t index"] = "0"
    plain["size_t vms"] = plain["size_t threads"] = plain["size_t runs"] = plain["size_t count"] = "1"
    plain["uint64_t value"] = plain["uint64_t seed"] = plain["uint64_t period_ns"] = "1000000"
    plain["double number"] = plain["double rate"] = "1.5"
    plain["int64_t integer"] = "-5"
    plain["uint64_t integer"] = "5"
    plain["bool boolean"] = plain["bool is_whole"] = "true"
    plain["perilune_limit limit"] = "PERILUNE_LIMIT_OUTPUT"
    plain["perilune_worker_option option"] = "PERILUNE_WORKER_MAX_RUNS"
    plain["perilune_sandbox_part part"] = "PERILUNE_SANDBOX_FILES"
    plain["perilune_code code"] = plain["perilune_status status"] = plain["perilune_error_kind kind"] = "0"
}

/^#ifdef __cplusplus/ { inside = 1; next }
!inside || /^#|^extern "C" [{]|^}/ { next }
/^\/\*\*/ { comment = 1 }
comment { if (/\*\//) comment = 0; next }
{ text = text " " $0 }
/;[ ]*$/ { declaration(text); text = "" }

function fail(why) {
    print "nulls.awk: " why > "/dev/stderr"
    failed = 1
    exit 1
}

function declaration(text,    open, head, name, returns, count, parts, i, n, arguments, part, type, pointer, star, is_done, calls, error_place) {
    gsub(/[ \t]+/, " ", text)
    open = index(text, "(")
    head = substr(text, 1, open - 1)
    match(head, /perilune_[a-z0-9_]+$/)
    name = substr(head, RSTART)
    returns = substr(head, 2, RSTART - 2)
    text = substr(text, open + 1)
    sub(/\);[ ]*$/, "", text)
    count = text == "void" ? 0 : split(text, parts, ",")
    n = 0
    arguments = ""
    error_place = -1
    for (i = 1; i <= count; i++) {
        part = parts[i]
        gsub(/^ +| +$/, "", part)
        match(part, /[a-z_0-9]+$/)
        pointer = substr(part, RSTART)
        type = substr(part, 1, RSTART - 1)
        gsub(/ +$/, "", type)
        # "T *name" and "T **name" lose the space before the name.
        star = type ~ /\*$/ || type ~ /^perilune_(function|gone|destroy|done|answered|progress|poll|watcher)$/
        is_done = is_done || type == "perilune_done" || type == "perilune_answered"
        calls = calls || type ~ /struct perilune_call \*/
        if (star) {
            if (name ~ /_free$/) {
                part = "fresh_" substr(name, 10, length(name) - 14) "()"
            } else if ((type " " pointer) in value) {
                part = value[type " " pointer]
            } else if (type in value) {
                part = value[type]
            } else {
                fail(name ": no value for \"" type " " pointer "\"")
            }
            if (type == "struct perilune_error **" && pointer == "error") {
                error_place = n
            }
            part = "PLACE(" n ", " part ")"
            n++
        } else if (type == "perilune_slice") {
            if (!(pointer in text_of)) {
                fail(name ": no text for \"" pointer "\"")
            }
            part = "SLICE(" n ", " text_of[pointer] ")"
            n++
        } else if ((type " " pointer) in plain) {
            part = plain[type " " pointer]
        } else {
            fail(name ": no value for \"" type " " pointer "\"")
        }
        arguments = arguments (i > 1 ? ", " : "") part
    }
    functions[calls ? "inside" : "outside"] = functions[calls ? "inside" : "outside"] one(name, returns, arguments, n, is_done, error_place)
}

function one(name, returns, arguments, places, is_done, error_place,    call, keep, error) {
    call = name "(" arguments ")"
    if (returns == "perilune_code ") {
        error = error_place < 0 ? "NULL" : "PLACE(" error_place ", &out.error)"
        call = "ends(" call ", " (is_done ? "true" : "false") ", " error ");"
    } else if (returns == "perilune_slice ") {
        call = "lends(" call ");"
    } else if (returns ~ /^struct perilune_[a-z]+ \*$/) {
        keep = returns
        sub(/^struct /, "", keep)
        sub(/ \*$/, "", keep)
        call = keep "_free(" call ");"
    } else {
        call = "(void)" call ";"
    }
    if (returns == "void ") {
        sub(/^\(void\)/, "", call)
    }
    return "    EACH(\"" name "\", " places ")\n        " call "\n    EACH_END\n"
}

END {
    if (failed) exit 1
    print "static void outside(void)\n{\n" functions["outside"] "}\n"
    print "static void inside(void)\n{\n" functions["inside"] "}"
}
