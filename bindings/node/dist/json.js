"use strict";
/** Traces as the engine writes them. */
Object.defineProperty(exports, "__esModule", { value: true });
exports.jsonOf = jsonOf;
function object(members) {
    return `{${members.map(([key, json]) => `${JSON.stringify(key)}:${json}`).join(',')}}`;
}
/** One line, to the letter what the engine writes: JavaScript's numbers are spelled in another way, and its objects sort their keys. */
function jsonOf(trace) {
    const json = (members, own, text) => object(Object.entries(members).map(([key, item]) => [key, key === own ? text() : JSON.stringify(item)]));
    const whole = trace.toJSON();
    return json(whole, 'result', () => json(whole.result, 'value', () => trace.valueText));
}
