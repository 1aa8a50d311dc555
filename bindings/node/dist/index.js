"use strict";
/** Perilune runs untrusted Luau scripts inside your backend, at microsecond cost: a script and a request in, a trace out. */
Object.defineProperty(exports, "__esModule", { value: true });
exports.version = exports.Trace = exports.RunError = exports.ScriptNotFound = exports.PeriluneError = exports.PayloadError = exports.CompileError = exports.Watch = exports.Scripts = exports.Script = exports.Engine = void 0;
const native_1 = require("./native");
var engine_1 = require("./engine");
Object.defineProperty(exports, "Engine", { enumerable: true, get: function () { return engine_1.Engine; } });
Object.defineProperty(exports, "Script", { enumerable: true, get: function () { return engine_1.Script; } });
Object.defineProperty(exports, "Scripts", { enumerable: true, get: function () { return engine_1.Scripts; } });
Object.defineProperty(exports, "Watch", { enumerable: true, get: function () { return engine_1.Watch; } });
var errors_1 = require("./errors");
Object.defineProperty(exports, "CompileError", { enumerable: true, get: function () { return errors_1.CompileError; } });
Object.defineProperty(exports, "PayloadError", { enumerable: true, get: function () { return errors_1.PayloadError; } });
Object.defineProperty(exports, "PeriluneError", { enumerable: true, get: function () { return errors_1.PeriluneError; } });
Object.defineProperty(exports, "ScriptNotFound", { enumerable: true, get: function () { return errors_1.ScriptNotFound; } });
var trace_1 = require("./trace");
Object.defineProperty(exports, "RunError", { enumerable: true, get: function () { return trace_1.RunError; } });
Object.defineProperty(exports, "Trace", { enumerable: true, get: function () { return trace_1.Trace; } });
/** The version of the library. */
exports.version = native_1.native.version;
