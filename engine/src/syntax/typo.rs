//! Whether a name looks like a typo of another.

use strsim::osa_distance;

/// The longest name that is compared, in bytes; the longest name of the library has 14.
const LONGEST: usize = 20;

/// The edit distance of `name` and `known`: letters removed, added, replaced or swapped with the next, and one for all
/// differences in case. `None` if that is too much for a typo.
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
    let (name, known) = (std::str::from_utf8(name).ok()?, std::str::from_utf8(known).ok()?);
    let edits = osa_distance(&name.to_ascii_lowercase(), &known.to_ascii_lowercase());
    // In a word of three letters, one wrong letter makes another word.
    if longer <= 3 && edits > 0 && !is_swap(name.as_bytes(), known.as_bytes()) {
        return None;
    }
    let differ_in_case = edits <= tolerance && osa_distance(name, known) > edits;
    let distance = edits + usize::from(differ_in_case);
    (distance > 0 && distance <= tolerance).then_some(distance)
}

/// The tolerance for globals: an unknown name may be meant as it is.
pub(super) fn strict(longer: usize) -> usize {
    if longer < 8 { 1 } else { 2 }
}

/// The tolerance for members of a library, all of which are known.
pub(super) fn lenient(longer: usize) -> usize {
    (longer / 3).clamp(1, 3)
}

/// The first letter is seldom wrong, unless it was swapped with the second.
fn begin_alike(a: &[u8], b: &[u8]) -> bool {
    a[0].eq_ignore_ascii_case(&b[0]) || a[0] == b[1] && a[1] == b[0]
}

fn is_swap(a: &[u8], b: &[u8]) -> bool {
    let sorted = |name: &[u8]| {
        let mut letters = name.to_ascii_lowercase();
        letters.sort_unstable();
        letters
    };
    sorted(a) == sorted(b)
}
