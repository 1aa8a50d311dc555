"use strict";
/** Traces as the command prints them. */
Object.defineProperty(exports, "__esModule", { value: true });
exports.jsonOf = jsonOf;
exports.indent = indent;
exports.oneLine = oneLine;
function object(members) {
    return `{${members.map(([key, json]) => `${JSON.stringify(key)}:${json}`).join(',')}}`;
}
/** One line, to the letter what the engine writes: JavaScript's numbers are spelled in another way, and its objects sort their keys. */
function jsonOf(trace) {
    const json = (members, own, text) => object(Object.entries(members).map(([key, item]) => [key, key === own ? text() : JSON.stringify(item)]));
    const whole = trace.toJSON();
    return json(whole, 'result', () => json(whole.result, 'value', () => trace.valueText));
}
const CONTROL = /[\x00-\x1f\x7f-\x9f]/g;
/**
 * Indents one line of JSON for a terminal. Keys keep their order and numbers their digits. Control characters, which JSON allows from
 * U+007F on, are escaped: a terminal would obey them.
 */
function indent(json) {
    let depth = 0;
    const line = () => '\n' + '  '.repeat(depth);
    return json.replace(/"(?:[^"\\]|\\.)*"|\{\}|\[\]|[{}[\],:]|[^"{}[\],:]+/g, (token) => {
        switch (token) {
            case '{':
            case '[':
                depth++;
                return token + line();
            case '}':
            case ']':
                depth--;
                return line() + token;
            case ',':
                return token + line();
            case ':':
                return ': ';
            default:
                return token.replace(CONTROL, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
        }
    });
}
/** One line, whatever a path or a script put into it. */
function oneLine(text) {
    return text.replace(CONTROL, ' ');
}
