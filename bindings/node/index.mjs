// One state for both kinds of modules: this is the other's, by name.
import perilune from './dist/index.js'

export const { CompileError, Engine, PayloadError, PeriluneError, RunError, Script, ScriptNotFound, Scripts, Trace, Watch, version } =
  perilune
