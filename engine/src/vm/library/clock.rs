//! `os.date` and `os.time`, in UTC and in English: a script sees neither the time zone nor the language of the host, and C
//! would read them from the environment. The calendar is the Gregorian one, also before there was one.

use std::ffi::{CStr, c_int};
use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use mlua::ffi::{self, lua_State};

use super::super::buffer::Buffer;
use super::super::control::Control;
use super::strings::or_raise;
use super::{check_bytes, push_bytes};

const DAY: i64 = 24 * 60 * 60;

/// Days from 1 March of the year 0 to 1 January 1970.
const MARCH_OF_0: i64 = 719_468;

/// 400 years, in days.
const CYCLE: i64 = 146_097;

/// The time that a number is furthest from 1970 and known to the second, in seconds: 285 million years.
const FURTHEST: f64 = (1_u64 << 53) as f64;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// The days from 1 January 1970 to a date. The month is counted from 0 and may be any, and so may the day.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin in March have the leap day at their end, and months of 153 days in five.
    let months = year * 12 + month - 2;
    let (year, month) = (months.div_euclid(12), months.rem_euclid(12));
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - MARCH_OF_0
}

/// A time taken apart.
struct Date {
    year: i64,
    /// From 0, as the days of week and year.
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    weekday: i64,
    yearday: i64,
}

impl Date {
    /// Of seconds since 1970.
    fn from_unix(time: i64) -> Self {
        let (today, second) = (time.div_euclid(DAY), time.rem_euclid(DAY));
        let since = today + MARCH_OF_0;
        let in_cycle = since.rem_euclid(CYCLE);
        // A day for every leap year that is past; the last day of the cycle is one too many.
        let year = (in_cycle - in_cycle / 1460 + in_cycle / 36_524 - in_cycle / (CYCLE - 1)) / 365;
        let in_year = in_cycle - (year * 365 + year / 4 - year / 100);
        let from_march = (in_year * 5 + 2) / 153;
        let month = (from_march + 2) % 12;
        let year = since.div_euclid(CYCLE) * 400 + year + i64::from(month < 2);
        Self {
            year,
            month,
            day: in_year - (from_march * 153 + 2) / 5 + 1,
            hour: second / 3600,
            minute: second / 60 % 60,
            second: second % 60,
            // 1 January 1970 was a Thursday.
            weekday: (today + 4).rem_euclid(7),
            yearday: today - days(year, 0, 1),
        }
    }

    fn weekday_name(&self) -> &'static str {
        WEEKDAYS.get(self.weekday as usize).copied().unwrap_or_default()
    }

    fn month_name(&self) -> &'static str {
        MONTHS.get(self.month as usize).copied().unwrap_or_default()
    }

    /// The week of the year, where each begins `first` days after Sunday; days before the first such one are in week 0.
    fn week(&self, first: i64) -> i64 {
        (self.yearday + 7 - (self.weekday - first).rem_euclid(7)) / 7
    }

    fn hour_of_12(&self) -> i64 {
        (self.hour + 11) % 12 + 1
    }

    /// Appends what becomes of a conversion of C's `strftime` in its "C" locale, as far as Luau allows it.
    fn write(&self, letter: u8, text: &mut String) -> Result<(), NoConversion> {
        let Self { year, month, day, hour, minute, second, weekday, yearday } = self;
        let is_written = match letter {
            b'a' => write!(text, "{:.3}", self.weekday_name()),
            b'A' => write!(text, "{}", self.weekday_name()),
            b'b' => write!(text, "{:.3}", self.month_name()),
            b'B' => write!(text, "{}", self.month_name()),
            b'c' => write!(
                text,
                "{:.3} {:.3} {day:2} {hour:02}:{minute:02}:{second:02} {year}",
                self.weekday_name(),
                self.month_name()
            ),
            b'd' => write!(text, "{day:02}"),
            b'H' => write!(text, "{hour:02}"),
            b'I' => write!(text, "{:02}", self.hour_of_12()),
            b'j' => write!(text, "{:03}", yearday + 1),
            b'm' => write!(text, "{:02}", month + 1),
            b'M' => write!(text, "{minute:02}"),
            b'p' => write!(text, "{}", if *hour < 12 { "AM" } else { "PM" }),
            b'S' => write!(text, "{second:02}"),
            b'U' => write!(text, "{:02}", self.week(0)),
            b'w' => write!(text, "{weekday}"),
            b'W' => write!(text, "{:02}", self.week(1)),
            b'x' => write!(text, "{:02}/{day:02}/{:02}", month + 1, year.rem_euclid(100)),
            b'X' => write!(text, "{hour:02}:{minute:02}:{second:02}"),
            b'y' => write!(text, "{:02}", year.rem_euclid(100)),
            b'Y' => write!(text, "{year}"),
            b'z' => write!(text, "+0000"),
            b'Z' => write!(text, "GMT"),
            b'%' => write!(text, "%"),
            _ => return Err(NoConversion),
        };
        is_written.map_err(|std::fmt::Error| NoConversion)
    }
}

struct NoConversion;

/// Seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_secs().try_into().unwrap_or(i64::MAX)
}

/// `os.date([format [, time]])`: UTC with or without a `!` in front of the format.
pub(in super::super) unsafe extern "C-unwind" fn date(state: *mut lua_State) -> c_int {
    // SAFETY: called by Luau with its state; the format stays at 1.
    unsafe {
        let control = Control::from_state(&state);
        control.safepoint(state);
        let format = if ffi::lua_isnoneornil(state, 1) != 0 { b"%c" } else { check_bytes(&state, 1) };
        // Up to the first zero, as C has it.
        let format = format.split(|byte| *byte == 0).next().unwrap_or_default();
        let time = if ffi::lua_isnoneornil(state, 2) != 0 {
            now()
        } else {
            let time = ffi::luaL_checknumber(state, 2);
            if !(-FURTHEST..=FURTHEST).contains(&time) {
                ffi::lua_pushnil(state);
                return 1;
            }
            time as i64
        };
        let date = Date::from_unix(time);
        match format.strip_prefix(b"!").unwrap_or(format) {
            b"*t" => push_date(state, &date),
            format => {
                let mut out = Buffer::new(control, state);
                write(state, &date, format, &mut out);
                control.make_room(state, out.bytes().len());
                push_bytes(state, out.bytes());
            }
        }
    }
    1
}

/// Appends the date as the format wants it.
unsafe fn write(state: *mut lua_State, date: &Date, mut format: &[u8], out: &mut Buffer<'_>) {
    let mut text = String::new();
    // SAFETY: at a call, with the format as the first argument.
    unsafe {
        while let Some((before, [_, letter, after @ ..])) =
            memchr::memchr(b'%', format).and_then(|at| format.split_at_checked(at))
        {
            text.clear();
            if date.write(*letter, &mut text).is_err() {
                drop(text);
                ffi::luaL_argerror(state, 1, c"invalid conversion specifier".as_ptr());
            }
            or_raise(state, out.put(before));
            or_raise(state, out.put(text.as_bytes()));
            format = after;
            Control::from_state(&state).safepoint(state);
        }
        or_raise(state, out.put(format));
    }
}

unsafe fn push_date(state: *mut lua_State, date: &Date) {
    // SAFETY: at a call.
    unsafe {
        ffi::lua_createtable(state, 0, 9);
        for (name, value) in [
            (c"sec", date.second),
            (c"min", date.minute),
            (c"hour", date.hour),
            (c"day", date.day),
            (c"month", date.month + 1),
            (c"year", date.year),
            (c"wday", date.weekday + 1),
            (c"yday", date.yearday + 1),
        ] {
            ffi::lua_pushnumber(state, value as f64);
            ffi::lua_rawsetfield(state, -2, name.as_ptr());
        }
        ffi::lua_pushboolean(state, 0);
        ffi::lua_rawsetfield(state, -2, c"isdst".as_ptr());
    }
}

/// `os.time([date])`: the seconds from 1970 to now, or to a date in UTC, whose fields may be out of their bounds.
pub(in super::super) unsafe extern "C-unwind" fn time(state: *mut lua_State) -> c_int {
    // SAFETY: called by Luau with its state.
    unsafe {
        if ffi::lua_isnoneornil(state, 1) != 0 {
            ffi::lua_pushnumber(state, now() as f64);
            return 1;
        }
        ffi::luaL_checktype(state, 1, ffi::LUA_TTABLE);
        let (second, minute) = (field(state, c"sec", Some(0)), field(state, c"min", Some(0)));
        let (hour, day) = (field(state, c"hour", Some(12)), field(state, c"day", None));
        let (month, year) = (field(state, c"month", None), field(state, c"year", None));
        let time = days(year, month - 1, day) * DAY + hour * 3600 + minute * 60 + second;
        if time.unsigned_abs() as f64 <= FURTHEST {
            ffi::lua_pushnumber(state, time as f64);
        } else {
            ffi::lua_pushnil(state);
        }
    }
    1
}

/// A field of the table at 1, an integer of 32 bits; where there is no number, the default.
unsafe fn field(state: *mut lua_State, name: &'static CStr, default: Option<i64>) -> i64 {
    // SAFETY: at a call, with a table at 1.
    unsafe {
        ffi::lua_rawgetfield(state, 1, name.as_ptr());
        let value = (ffi::lua_isnumber(state, -1) != 0).then(|| ffi::lua_tonumber(state, -1) as i32);
        ffi::lua_pop(state, 1);
        match value.map(i64::from).or(default) {
            Some(value) => value,
            None => ffi::luaL_error(state, c"field '%s' missing in date table".as_ptr(), name.as_ptr()),
        }
    }
}
