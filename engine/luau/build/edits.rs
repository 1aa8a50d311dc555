//! The edits: what is put instead of a short text that Luau's sources have exactly once.

/// The Luau that they were written for.
pub(crate) const VERSION: &str = "0.740";

pub(crate) struct Edit {
    /// Below `luau/`.
    pub(crate) file: &'static str,
    pub(crate) find: &'static str,
    pub(crate) put: &'static str,
}

const fn edit(file: &'static str, find: &'static str, put: &'static str) -> Edit {
    Edit { file, find, put }
}

pub(crate) const EDITS: &[Edit] = &[
    // --- What the VM keeps: keys of its hashes, work done since the last safepoint, and what a run has taken.
    edit("VM/src/lstate.h", "#include \"ltm.h\"\n", "#include \"ltm.h\"\n#include \"meter.h\"\n"),
    edit(
        "VM/src/lstate.h",
        "    stringtable strt; // hash table for strings\n",
        "    stringtable strt; // hash table for strings\n\
         \x20   uint64_t perilune_string_key[2];\n\
         \x20   uint32_t perilune_table_key;\n\
         \x20   uint32_t perilune_work;\n\
         \x20   bool perilune_is_attacked;\n\
         \x20   perilune::Meter perilune_meter;\n",
    ),
    // A state made by someone else in the program gets a constant key: as good as upstream's, which has none.
    edit(
        "VM/src/lstate.cpp",
        "lua_State* lua_newstate(lua_Alloc allocator, void* ud)\n{\n",
        "extern \"C\" lua_State* perilune_newstate(lua_Alloc allocator, void* ud, uint64_t key0, uint64_t key1);\n\
         lua_State* lua_newstate(lua_Alloc allocator, void* ud)\n{\n\
         \x20   return perilune_newstate(allocator, ud, 0xa4093822299f31d0u, 0x082efa98ec4e6c89u);\n}\n\
         lua_State* perilune_newstate(lua_Alloc allocator, void* ud, uint64_t key0, uint64_t key1)\n{\n",
    ),
    edit(
        "VM/src/lstate.cpp",
        "        g->ptrenckey[0] = 1;\n\n        g->totalbytes = sizeof(LG);\n",
        "        g->ptrenckey[0] = 1;\n\
         \x20       g->perilune_string_key[0] = key0;\n\
         \x20       g->perilune_string_key[1] = key1;\n\
         \x20       g->perilune_table_key = uint32_t(key0);\n\
         \x20       g->perilune_meter = perilune::Meter();\n\n\
         \x20       g->totalbytes = sizeof(LG);\n",
    ),
    edit(
        "VM/src/lstate.cpp",
        "        g->ptrenckey[0] = 1;\n        g->ptrenckey[1] = 0;\n",
        "        g->ptrenckey[0] = 1;\n\
         \x20       g->perilune_string_key[0] = key0;\n\
         \x20       g->perilune_string_key[1] = key1;\n\
         \x20       g->perilune_table_key = uint32_t(key0);\n\
         \x20       g->perilune_work = 0;\n\
         \x20       g->perilune_is_attacked = false;\n\
         \x20       g->perilune_meter = perilune::Meter();\n\
         \x20       g->ptrenckey[1] = 0;\n",
    ),
    // --- Strings hash by the VM's key, and no chain of them gets long.
    edit(
        "VM/src/lstring.cpp",
        "#include \"lmem.h\"\n",
        "#include \"lmem.h\"\n#include \"hash.h\"\n#include \"safepoint.h\"\n#include \"take.h\"\n",
    ),
    edit(
        "VM/src/lstring.cpp",
        "    unsigned int h = luaS_hash(ts->data, ts->len);\n",
        "    perilune::work(L, ts->len);\n\
         \x20   unsigned int h = perilune::hash_bytes(L->global->perilune_string_key, ts->data, ts->len);\n\
         \x20   int chain = 0;\n",
    ),
    edit(
        "VM/src/lstring.cpp",
        "    for (TString* el = tb->hash[bucket]; el != NULL; el = el->next)\n",
        "    for (TString* el = tb->hash[bucket]; el != NULL; el = el->next, ++chain)\n",
    ),
    edit(
        "VM/src/lstring.cpp",
        "    LUAU_ASSERT(ts->next == NULL);\n\n    ts->hash = h;\n",
        "    perilune::check_chain(L, chain);\n    ts->hash = h;\n",
    ),
    edit(
        "VM/src/lstring.cpp",
        "    unsigned int h = luaS_hash(str, l);\n",
        "    perilune::work(L, l);\n\
         \x20   unsigned int h = perilune::hash_bytes(L->global->perilune_string_key, str, l);\n\
         \x20   int chain = 0;\n",
    ),
    edit(
        "VM/src/lstring.cpp",
        "    for (TString* el = L->global->strt.hash[lmod(h, L->global->strt.size)]; el != NULL; el = el->next)\n",
        "    for (TString* el = L->global->strt.hash[lmod(h, L->global->strt.size)]; el != NULL; el = el->next, ++chain)\n",
    ),
    edit(
        "VM/src/lstring.cpp",
        "    return newlstr(L, str, l, h); // not found\n",
        "    perilune::check_chain(L, chain);\n    return newlstr(L, str, l, h); // not found\n",
    ),
    // --- What a run takes is counted by objects and not by pages, of which earlier runs leave holes: so when it collects, and
    // when memory ends, depends on nothing else.
    // --- Whether a coroutine can be left by `lua_break`: so must be all that wait for it, unless they were left before.
    edit(
        "VM/src/lstate.h",
        "    bool singlestep; // call debugstep hook after each instruction\n",
        "    bool singlestep; // call debugstep hook after each instruction\n    bool perilune_may_break;\n",
    ),
    edit(
        "VM/src/lstate.cpp",
        "    L->singlestep = false;\n    L->isactive = false;\n",
        "    L->singlestep = false;\n    L->perilune_may_break = false;\n    L->isactive = false;\n",
    ),
    edit(
        "VM/src/ldo.cpp",
        "    L->nCcalls = from ? from->nCcalls : 0;\n",
        "    L->nCcalls = from ? from->nCcalls : 0;\n\
         \x20   L->perilune_may_break = !from || (from->perilune_may_break && from->nCcalls <= from->baseCcalls);\n",
    ),
    // A VM that holds little takes small pages of each size: most of them are for a few objects of the library.
    edit(
        "VM/src/lmem.cpp",
        "    int pageSize = sizeOfClass > int(kLargePageThreshold) ? kLargePageSize : kSmallPageSize;\n",
        "    int pageSize = sizeOfClass > int(kLargePageThreshold) ? kLargePageSize : kSmallPageSize;\n\
         \x20   if (L->global->totalbytes < 60 * 1024)\n\
         \x20       pageSize = (sizeOfClass > 256 ? 4 : 1) * 1024 - kExternalAllocatorMetaDataReduction;\n",
    ),
    edit("VM/src/lmem.cpp", "#include \"ldebug.h\"\n", "#include \"ldebug.h\"\n#include \"take.h\"\n"),
    edit(
        "VM/src/lmem.cpp",
        "void* luaM_new_(lua_State* L, size_t nsize, uint8_t memcat)\n{\n    global_State* g = L->global;\n",
        "void* luaM_new_(lua_State* L, size_t nsize, uint8_t memcat)\n{\n    global_State* g = L->global;\n\
         \x20   perilune::take(L, nsize);\n",
    ),
    edit(
        "VM/src/lmem.cpp",
        "    LUAU_ASSERT(nsize != 0);\n    global_State* g = L->global;\n",
        "    global_State* g = L->global;\n    if (!perilune::may_take(L, nsize))\n        return nullptr;\n",
    ),
    edit(
        "VM/src/lmem.cpp",
        "GCObject* luaM_newgco_(lua_State* L, size_t nsize, uint8_t memcat, int tt, int tag)\n{\n",
        "GCObject* luaM_newgco_(lua_State* L, size_t nsize, uint8_t memcat, int tt, int tag)\n{\n    perilune::take(L, nsize);\n",
    ),
    edit(
        "VM/src/lmem.cpp",
        "    LUAU_ASSERT((osize == 0) == (block == NULL));\n\n    int nclass = sizeclass(nsize);\n",
        "    if (nsize > osize)\n        perilune::take(L, nsize - osize);\n\n    int nclass = sizeclass(nsize);\n",
    ),
    // The table of all strings is as large as the runs so far made it: no run pays for it. Should the system refuse it, the
    // engine sets the alarm anew.
    edit(
        "VM/src/lstring.cpp",
        "    TString** newhash = luaM_newarray(L, newsize, TString*, 0);\n    stringtable* tb = &L->global->strt;\n",
        "    size_t alarm = L->global->perilune_meter.alarm;\n    L->global->perilune_meter.alarm = SIZE_MAX;\n\
         \x20   TString** newhash = luaM_newarray(L, newsize, TString*, 0);\n    stringtable* tb = &L->global->strt;\n\
         \x20   L->global->perilune_meter.alarm = alarm;\n",
    ),
    edit(
        "VM/src/lstring.cpp",
        "    luaM_freearray(L, tb->hash, tb->size, TString*, 0);\n    tb->size = newsize;\n",
        "    L->global->perilune_meter.count(-(ptrdiff_t(newsize) - ptrdiff_t(tb->size)) * ptrdiff_t(sizeof(TString*)));\n\
         \x20   luaM_freearray(L, tb->hash, tb->size, TString*, 0);\n    tb->size = newsize;\n",
    ),
    // A step calls the interrupt at its end only, where a whole collection can be made: at its beginning it has read what that would change.
    edit(
        "VM/src/lgc.cpp",
        "    GC_INTERRUPT(0);\n\n    // at the start of the new cycle\n",
        "    // at the start of the new cycle\n",
    ),
    // The main thread's stack is made small between runs, always to one size, and not by a collection in some of them.
    edit(
        "VM/src/lgc.cpp",
        "    // compute used stack - note that we can't use th->top if we're in the middle of vararg call\n",
        "    if (L == L->global->mainthread)\n        return;\n",
    ),
    // A string that an earlier run made, and nobody collected, costs a run what it would have cost to make.
    edit(
        "VM/src/lobject.h",
        "    int16_t atom;\n\n    // 2 byte padding\n\n    TString* next; // next string in the hash table bucket\n",
        "    int16_t atom;\n\n    uint16_t perilune_run;\n\n    TString* next; // next string in the hash table bucket\n",
    ),
    edit(
        "VM/src/lstring.cpp",
        "    ts->atom = ATOM_UNDEF;\n    ts->hash = h;\n    ts->len = unsigned(l);\n",
        "    ts->atom = ATOM_UNDEF;\n    ts->perilune_run = L->global->perilune_meter.run;\n    ts->hash = h;\n    ts->len = unsigned(l);\n",
    ),
    edit(
        "VM/src/lstring.cpp",
        "    ts->hash = 0; // computed in luaS_buffinish\n",
        "    ts->perilune_run = L->global->perilune_meter.run;\n    ts->hash = 0; // computed in luaS_buffinish\n",
    ),
    edit(
        "VM/src/lstring.cpp",
        "                changewhite(obj2gco(el));\n\n            return el;\n",
        "                changewhite(obj2gco(el));\n\n            perilune::take_string(L, el, 0);\n            return el;\n",
    ),
    edit(
        "VM/src/lstring.cpp",
        "                changewhite(obj2gco(el));\n            return el;\n",
        "                changewhite(obj2gco(el));\n            perilune::take_string(L, el, sizestring(l));\n            return el;\n",
    ),
    // --- Other keys hash by the key that their table was made with: the run's, so that the order in which `pairs` meets
    // tables as keys says nothing of addresses, and so of earlier runs.
    edit(
        "VM/src/lobject.h",
        "    uint8_t nodemask8;  // (1<<lsizenode)-1, truncated to 8 bits\n",
        "    uint8_t nodemask8;  // (1<<lsizenode)-1, truncated to 8 bits\n    uint32_t perilune_key;\n",
    ),
    edit(
        "VM/src/lmem.cpp",
        "static_assert(sizeof(LuaTable) == ABISWITCH(48, 32, 32)",
        "static_assert(sizeof(LuaTable) == ABISWITCH(56, 36, 36)",
    ),
    edit(
        "VM/src/ltable.cpp",
        "#include \"ltm.h\"\n\n#include <string.h>\n",
        "#include \"ltm.h\"\n#include \"hash.h\"\n#include \"safepoint.h\"\n\n#include <string.h>\n",
    ),
    edit(
        "VM/src/ltable.cpp",
        "    // we discard the high 32-bit portion of the pointer on 64-bit platforms",
        "    return hashpow2(t, perilune::hash_word(t->perilune_key, uint64_t(uintptr_t(p))));\n\
         \x20   // we discard the high 32-bit portion of the pointer on 64-bit platforms",
    ),
    // Minus zero and zero are one key.
    edit(
        "VM/src/ltable.cpp",
        "    static_assert(sizeof(double) == sizeof(unsigned int) * 2, \"expected a 8-byte double\");\n",
        "    double zeroed = n + 0.0;\n\
         \x20   uint64_t bits;\n\
         \x20   memcpy(&bits, &zeroed, sizeof(bits));\n\
         \x20   return hashpow2(t, perilune::hash_word(t->perilune_key, bits));\n",
    ),
    edit(
        "VM/src/ltable.cpp",
        "    static_assert(sizeof(n) == sizeof(unsigned int) * 2, \"expected a 8-byte integer\");\n",
        "    return hashpow2(t, perilune::hash_word(t->perilune_key, uint64_t(n)));\n",
    ),
    edit(
        "VM/src/ltable.cpp",
        "    // Optimized Spatial Hashing for Collision Detection of Deformable Objects\n    unsigned int h = (i[0] * 73856093)",
        "    uint32_t plane = perilune::hash_word(t->perilune_key, uint64_t(i[0]) << 32 | i[1]);\n\
         \x20   return hashpow2(t, perilune::hash_word(plane, i[2]));\n\
         \x20   unsigned int h = (i[0] * 73856093)",
    ),
    edit(
        "VM/src/ltable.cpp",
        "    t->metatable = NULL;\n    t->tmcache = cast_byte(~0);\n",
        "    t->metatable = NULL;\n    t->perilune_key = L->global->perilune_table_key;\n    t->tmcache = cast_byte(~0);\n",
    ),
    // A copy of a table of names, which is all that is ever copied from what runs share, gets the run's key, too.
    edit(
        "VM/src/ltable.cpp",
        "    t->metatable = tt->metatable;\n",
        "    t->metatable = tt->metatable;\n\
         \x20   t->perilune_key = L->global->perilune_table_key;\n\
         \x20   if (tt->perilune_key != t->perilune_key && tt->perilune_key != perilune::kNames)\n\
         \x20       for (int i = sizenode(tt) - 1; i >= 0; --i)\n\
         \x20           if (ttype(gkey(gnode(tt, i))) != LUA_TNIL && ttype(gkey(gnode(tt, i))) != LUA_TSTRING)\n\
         \x20           {\n\
         \x20               t->perilune_key = tt->perilune_key;\n\
         \x20               break;\n\
         \x20           }\n",
    ),
    // The compiler's templates of tables have no keys but names.
    edit("VM/src/lvmload.cpp", "#include \"lmem.h\"\n", "#include \"lmem.h\"\n#include \"hash.h\"\n"),
    edit(
        "VM/src/lvmload.cpp",
        "                int keys = readVarInt(data, size, offset);\n                LuaTable* h = luaH_new(L, 0, keys);\n",
        "                int keys = readVarInt(data, size, offset);\n                LuaTable* h = luaH_new(L, 0, keys);\n\
         \x20               h->perilune_key = perilune::kNames;\n",
    ),
    edit(
        "VM/src/lvmload.cpp",
        "                uint32_t keys = readVarInt(data, size, offset);\n                LuaTable* h = luaH_new(L, 0, keys);\n",
        "                uint32_t keys = readVarInt(data, size, offset);\n                LuaTable* h = luaH_new(L, 0, keys);\n\
         \x20               h->perilune_key = perilune::kNames;\n",
    ),
    // --- A chain gets longer where a new key meets one that is in its own main position.
    edit(
        "VM/src/ltable.cpp",
        "        // colliding node is in its own main position\n        // new node will go into free position\n",
        "        int chain = 0;\n\
         \x20       for (LuaNode* at = mp; gnext(at) != 0; at += gnext(at))\n\
         \x20           ++chain;\n\
         \x20       perilune::check_chain(L, chain);\n",
    ),
    edit(
        "VM/src/ltable.cpp",
        "        { // colliding node is in its own main position\n            // new node will go into free position\n",
        "        {\n\
         \x20           int chain = 0;\n\
         \x20           for (LuaNode* at = mp; gnext(at) != 0; at += gnext(at))\n\
         \x20               ++chain;\n\
         \x20           perilune::check_chain(L, chain);\n",
    ),
    // --- Safepoints at the entry of functions that are called by C code and by metamethods.
    edit("VM/src/ldo.cpp", "#include \"lvm.h\"\n", "#include \"lvm.h\"\n#include \"safepoint.h\"\n"),
    edit(
        "VM/src/ldo.cpp",
        "    // when called from a yieldable C function, maintain yieldable invariant (baseCcalls <= nCcalls)\n",
        "    if (LUAU_UNLIKELY(!!L->global->cb.interrupt))\n\
         \x20   {\n\
         \x20       ptrdiff_t callee = savestack(L, func);\n\
         \x20       perilune::safepoint(L);\n\
         \x20       func = restorestack(L, callee);\n\
         \x20   }\n\n\
         \x20   // when called from a yieldable C function, maintain yieldable invariant (baseCcalls <= nCcalls)\n",
    ),
    edit(
        "VM/src/lvmutils.cpp",
        "#include \"lnumutils.h\"\n",
        "#include \"lnumutils.h\"\n#include \"safepoint.h\"\n",
    ),
    edit(
        "VM/src/lvmutils.cpp",
        "    ptrdiff_t funcoffset = savestack(L, top);\n    Proto* p = getproto(ccl);\n",
        "    ptrdiff_t funcoffset = savestack(L, top);\n\
         \x20   perilune::safepoint(L);\n\
         \x20   top = restorestack(L, funcoffset);\n\
         \x20   Proto* p = getproto(ccl);\n",
    ),
    edit(
        "VM/src/lvmutils.cpp",
        "    luaD_checkstack(L, LUA_MINSTACK);\n\n    StkId top = L->top;\n    StkId fun = top - nparams - 1;\n",
        "    perilune::safepoint(L);\n    luaD_checkstack(L, LUA_MINSTACK);\n\n    StkId top = L->top;\n    StkId fun = top - nparams - 1;\n",
    ),
    // --- Comparing strings, and reading them as numbers, takes time by their length. The macros have the name of the
    // functions, which a macro does not expand again: so no caller can leave the counting out.
    edit("VM/src/lvm.h", "#include \"ltm.h\"\n", "#include \"ltm.h\"\n#include \"safepoint.h\"\n"),
    edit(
        "VM/src/lvm.h",
        "LUAI_FUNC int luaV_strcmp(const TString* ls, const TString* rs);\n",
        "LUAI_FUNC int luaV_strcmp(const TString* ls, const TString* rs);\n\
         #define luaV_strcmp(ls, rs) (perilune::work(L, (ls)->len < (rs)->len ? (ls)->len : (rs)->len), luaV_strcmp(ls, rs))\n",
    ),
    edit(
        "VM/src/lvmutils.cpp",
        "int luaV_strcmp(const TString* ls, const TString* rs)\n",
        "int(luaV_strcmp)(const TString* ls, const TString* rs)\n",
    ),
    edit(
        "VM/src/lvm.h",
        "LUAI_FUNC const TValue* luaV_tonumber(const TValue* obj, TValue* n);\n",
        "LUAI_FUNC const TValue* luaV_tonumber(const TValue* obj, TValue* n);\n\
         #define luaV_tonumber(obj, n) (perilune::work(L, ttisstring(obj) ? tsvalue(obj)->len : 0), luaV_tonumber(obj, n))\n",
    ),
    edit(
        "VM/src/lvmutils.cpp",
        "const TValue* luaV_tonumber(const TValue* obj, TValue* n)\n",
        "const TValue*(luaV_tonumber)(const TValue* obj, TValue* n)\n",
    ),
    edit(
        "VM/src/lvmutils.cpp",
        "    if (ttisstring(obj) && luaO_str2d(svalue(obj), &num))\n",
        "    if (ttisstring(obj) && tsvalue(obj)->len <= perilune::kLongestNumber && luaO_str2d(svalue(obj), &num))\n",
    ),
    edit("VM/src/lbuiltins.cpp", "#include \"lstring.h\"\n", "#include \"lstring.h\"\n#include \"lvm.h\"\n"),
    edit(
        "VM/src/lbuiltins.cpp",
        "        else if (ttisstring(arg0) && luaO_str2d(svalue(arg0), &num))\n        {\n            setnvalue(res, num);\n",
        "        else if (const TValue* read = ttisstring(arg0) ? luaV_tonumber(arg0, &number) : nullptr)\n\
         \x20       {\n            setnvalue(res, nvalue(read));\n",
    ),
    edit(
        "VM/src/lbuiltins.cpp",
        "    if (nparams == 1 && nresults <= 1)\n    {\n        double num;\n\n        if (ttisnumber(arg0))\n        {\n            setnvalue(res, nvalue(arg0));\n",
        "    if (nparams == 1 && nresults <= 1)\n    {\n        TValue number;\n\n        if (ttisnumber(arg0))\n        {\n            setnvalue(res, nvalue(arg0));\n",
    ),
    // --- Whole stretches of values are copied by an instruction, and a table of thousands is made anew by one, each time that a
    // key takes the place of another.
    edit(
        "VM/src/lvmexecute.cpp",
        "                    VM_PROTECT(luaD_checkstack(L, n));\n                    VM_CASE_STKID ra = VM_REG(LUAU_INSN_A(insn)); // previous",
        "                    VM_PROTECT(perilune::work(L, n * sizeof(TValue)); luaD_checkstack(L, n));\n\
         \x20                   VM_CASE_STKID ra = VM_REG(LUAU_INSN_A(insn)); // previous",
    ),
    edit(
        "VM/src/lbuiltins.cpp",
        "            TValue* array = t->array;\n            for (int i = 0; i < n; ++i)\n                setobj2s(L, res + i, array + i);\n",
        "            perilune::work(L, n * sizeof(TValue));\n\
         \x20           TValue* array = t->array;\n            for (int i = 0; i < n; ++i)\n                setobj2s(L, res + i, array + i);\n",
    ),
    edit(
        "VM/src/ltable.cpp",
        "    LUAU_ASSERT(!hasmetacache(t));\n\n    if (nasize > MAXSIZE || nhsize > MAXSIZE)\n        luaG_runerror(L, \"table overflow\");\n\n    if (DFFlag::LuauTableRobustOom)\n",
        "    if (nasize > MAXSIZE || nhsize > MAXSIZE)\n        luaG_runerror(L, \"table overflow\");\n\n\
         \x20   perilune::work(L, size_t(t->sizearray + nasize) * sizeof(TValue) + size_t(sizenode(t) + nhsize) * sizeof(LuaNode));\n\
         \x20   if (DFFlag::LuauTableRobustOom)\n",
    ),
    // --- A straight line of code has a safepoint every so many instructions: where coverage would be counted, if anybody asked.
    edit(
        "Compiler/src/Compiler.cpp",
        "    CompileOptions options;\n\n\n",
        "    CompileOptions options;\n    size_t perilune_safepoint = 0;\n\n\
         \x20   bool perilune_needs_safepoint()\n    {\n\
         \x20       size_t at = bytecode.emitLabel();\n\
         \x20       if (at - perilune_safepoint < 256)\n            return false;\n\
         \x20       perilune_safepoint = at;\n        return true;\n    }\n\n",
    ),
    edit(
        "Compiler/src/Compiler.cpp",
        "        uint32_t fid = bytecode.beginFunction(uint8_t(self + func->args.size), func->vararg);\n",
        "        uint32_t fid = bytecode.beginFunction(uint8_t(self + func->args.size), func->vararg);\n        perilune_safepoint = 0;\n",
    ),
    edit(
        "Compiler/src/Compiler.cpp",
        "        if (options.coverageLevel >= 2 && needsCoverage(node))\n",
        "        if (perilune_needs_safepoint() || (options.coverageLevel >= 2 && needsCoverage(node)))\n",
    ),
    edit(
        "VM/src/lvmexecute.cpp",
        "            VM_CASE(LOP_COVERAGE)\n            {\n",
        "            VM_CASE(LOP_COVERAGE)\n            {\n                VM_INTERRUPT();\n",
    ),
    // --- Messages are cut to 512 bytes, but of a text that goes into one `printf` reads it all.
    edit(
        "VM/src/lbaselib.cpp",
        "luaL_error(L, \"%s\", luaL_optstring(L, 2, \"assertion failed!\"));",
        "luaL_error(L, \"%.512s\", luaL_optstring(L, 2, \"assertion failed!\"));",
    ),
    edit("VM/src/lveclib.cpp", "attempt to index vector with '%s'", "attempt to index vector with '%.512s'"),
    // --- The compiler's tables hash names and constants by the process's key.
    edit(
        "Common/src/StringUtils.cpp",
        "#include \"Luau/StringUtils.h\"\n",
        "#include \"Luau/StringUtils.h\"\n#include \"hash.h\"\n",
    ),
    edit(
        "Common/src/StringUtils.cpp",
        "    // FNV-1a\n    uint32_t hash = 2166136261;\n",
        "    return perilune::hash_bytes(perilune_process_key, data, size);\n    uint32_t hash = 2166136261;\n",
    ),
    edit(
        "Ast/src/Lexer.cpp",
        "#include \"Luau/Lexer.h\"\n",
        "#include \"Luau/Lexer.h\"\n#include \"hash.h\"\n",
    ),
    edit(
        "Ast/src/Lexer.cpp",
        "    // FNV1a\n    uint32_t hash = 2166136261;\n",
        "    return perilune::hash_bytes(perilune_process_key, e.value.value, e.length);\n    uint32_t hash = 2166136261;\n",
    ),
    edit(
        "Bytecode/src/BytecodeBuilder.cpp",
        "#include \"Luau/BytecodeBuilder.h\"\n",
        "#include \"Luau/BytecodeBuilder.h\"\n#include \"hash.h\"\n",
    ),
    edit(
        "Bytecode/src/BytecodeBuilder.cpp",
        "        // finalizer from MurmurHash64B\n        const uint32_t m = 0x5bd1e995;\n\n        uint32_t h1 = uint32_t(key.value);\n",
        "        return perilune::hash_word(uint32_t(perilune_process_key[0]) + key.type, key.value);\n\
         \x20       const uint32_t m = 0x5bd1e995;\n\n        uint32_t h1 = uint32_t(key.value);\n",
    ),
    edit(
        "Bytecode/src/BytecodeBuilder.cpp",
        "    // FNV-1a inspired hash (note that we feed integers instead of bytes)\n    uint32_t hash = 2166136261;\n",
        "    uint64_t keyed = perilune_process_key[0];\n\
         \x20   for (size_t i = 0; i < v.length; ++i)\n\
         \x20       keyed = perilune::fold(\n\
         \x20           keyed ^ (uint64_t(uint32_t(v.keys[i])) << 32 | (v.hasConstants ? uint32_t(v.constants[i]) : 0)), perilune_process_key[1]\n\
         \x20       );\n\
         \x20   return size_t(keyed);\n    uint32_t hash = 2166136261;\n",
    ),
    // --- Errors name what was called, or written to.
    edit("VM/src/ldebug.h", "#include \"lstate.h\"\n", "#include \"lstate.h\"\n#include \"names.h\"\n"),
    edit(
        "VM/src/lvmutils.cpp",
        "        luaG_typeerror(L, func, \"call\");\n",
        "        perilune::call_error(L, func);\n",
    ),
    edit(
        "VM/src/ldebug.cpp",
        "    const char* t1 = luaT_objtypename(L, p1);\n\n    luaG_runerror(L, \"attempt to call missing method",
        "    perilune::method_error(L, p1, p2);\n\n    const char* t1 = luaT_objtypename(L, p1);\n    luaG_runerror(L, \"attempt to call missing method",
    ),
    edit(
        "VM/src/ldebug.cpp",
        "    luaG_runerror(L, \"attempt to modify a readonly table\");\n",
        "    perilune::readonly_error(L);\n",
    ),
    // --- The metamethods of operators and of indexing get their operands, and may change them: fields of those are no
    // constants (upstream issue 2978). Of comparisons and unary operators only a table with a metatable can be one, which
    // has escaped already.
    edit(
        "Compiler/src/ConstantFolding.cpp",
        "        // LHS index expressions mutate the table\n        markEscapedTableIndex(node->var, true);\n        return true;\n    }\n",
        "        // LHS index expressions mutate the table\n        markEscapedTableIndex(node->var, true);\n\
         \x20       markEscaped(node->value);\n        return true;\n    }\n\n\
         \x20   bool visit(AstExprBinary* node) override\n    {\n\
         \x20       if (node->op <= AstExprBinary::Concat)\n        {\n\
         \x20           markEscaped(node->left);\n            markEscaped(node->right);\n        }\n        return true;\n    }\n\n\
         \x20   bool visit(AstExprIndexExpr* node) override\n    {\n        markEscaped(node->index);\n        return true;\n    }\n",
    ),
];
