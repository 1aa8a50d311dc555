//! Whether a name looks like a slip of the pen for another.

/// The longest name that is looked at, in bytes; the longest that there is to know has 14.
const LONGEST: usize = 20;

/// How far `name` is from `known`: letters left out, added, replaced or exchanged with the next, and one for all
/// differences in case. `None`: too far for a typo.
pub(super) fn distance(name: &[u8], known: &[u8], tolerance: fn(usize) -> usize) -> Option<usize> {
    let longer = name.len().max(known.len());
    let tolerance = tolerance(longer);
    let is_possible = longer <= LONGEST
        && name.len().min(known.len()) >= 2
        && name.len().abs_diff(known.len()) <= tolerance
        && begin_alike(name, known);
    if !is_possible {
        return None;
    }
    let edits = least_edits(name, known, |a, b| a.eq_ignore_ascii_case(&b));
    // Of three letters, one that is wrong makes another word.
    if longer <= 3 && edits > 0 && !is_exchange(name, known) {
        return None;
    }
    let differ_in_case = edits <= tolerance && least_edits(name, known, |a, b| a == b) > edits;
    let distance = edits + usize::from(differ_in_case);
    (distance > 0 && distance <= tolerance).then_some(distance)
}

/// For globals: a name that is none may still be meant to be one.
pub(super) fn strict(longer: usize) -> usize {
    if longer < 8 { 1 } else { 2 }
}

/// For members of a library, all of which are known.
pub(super) fn lenient(longer: usize) -> usize {
    (longer / 3).clamp(1, 3)
}

/// The first letter is seldom wrong, unless it changed places with the second.
fn begin_alike(a: &[u8], b: &[u8]) -> bool {
    a[0].eq_ignore_ascii_case(&b[0]) || a[0] == b[1] && a[1] == b[0]
}

fn is_exchange(a: &[u8], b: &[u8]) -> bool {
    let sorted = |name: &[u8]| {
        let mut letters = name.to_ascii_lowercase();
        letters.sort_unstable();
        letters
    };
    sorted(a) == sorted(b)
}

/// The fewest edits that make one of the other.
fn least_edits(a: &[u8], b: &[u8], same: impl Fn(u8, u8) -> bool) -> usize {
    // Rows of the table: two before, one before, this.
    let mut rows = [[0_usize; LONGEST + 1]; 3];
    for (at, cell) in rows[1].iter_mut().enumerate() {
        *cell = at;
    }
    for i in 0..a.len() {
        rows[2][0] = i + 1;
        for j in 0..b.len() {
            let replaced = rows[1][j] + usize::from(!same(a[i], b[j]));
            let mut least = replaced.min(rows[1][j + 1] + 1).min(rows[2][j] + 1);
            if i > 0 && j > 0 && same(a[i], b[j - 1]) && same(a[i - 1], b[j]) {
                least = least.min(rows[0][j - 1] + 1);
            }
            rows[2][j + 1] = least;
        }
        rows.rotate_left(1);
    }
    rows[1][b.len()]
}
