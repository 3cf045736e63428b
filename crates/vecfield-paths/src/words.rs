//! Lyndon words and their brackets.

use std::collections::BTreeMap;

/// The Lyndon words over `0..letters` up to this length, short ones first, then as in a dictionary (Duval 1988).
pub(crate) fn lyndon_words(letters: usize, longest: usize) -> Vec<Vec<usize>> {
    let (mut words, mut word) = (vec![], vec![0]);
    while !word.is_empty() {
        words.push(word.clone());
        let period = word.len();
        while word.len() < longest {
            word.push(word[word.len() - period]);
        }
        while word.last() == Some(&(letters - 1)) {
            word.pop();
        }
        if let Some(last) = word.last_mut() {
            *last += 1;
        }
    }
    words.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    words
}

/// The bracket of a Lyndon word as a sum of words: that of a letter is itself, that of `w = uv` with the longest Lyndon word `v`
/// that ends it is `[u][v] - [v][u]` (Reutenauer 1993, section 4.1).
pub(crate) fn bracket(word: &[usize]) -> BTreeMap<Vec<usize>, i64> {
    if word.len() == 1 {
        return BTreeMap::from([(word.to_vec(), 1)]);
    }
    let is_lyndon = |word: &[usize]| (1..word.len()).all(|k| word < &word[k..]);
    let at = (1..word.len()).find(|&k| is_lyndon(&word[k..])).expect("a letter is a Lyndon word");
    let [u, v] = [bracket(&word[..at]), bracket(&word[at..])];
    let mut sum = BTreeMap::new();
    for (u, a) in &u {
        for (v, b) in &v {
            *sum.entry([&u[..], v].concat()).or_insert(0) += a * b;
            *sum.entry([&v[..], u].concat()).or_insert(0) -= a * b;
        }
    }
    sum.retain(|_, c| *c != 0);
    sum
}
