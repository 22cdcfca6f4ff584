//! A map in one piece of memory. It holds few entries, or new ones come last: then it is as fast as a tree, whose
//! code would be compiled anew for everything that is mapped.

/// Entries in the order of their keys.
pub(crate) struct Sorted<K, V>(Vec<(K, V)>);

impl<K: Ord, V> Sorted<K, V> {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.0.get(self.place(key).ok()?).map(|(_, value)| value)
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        let place = self.place(&key);
        match place.ok().and_then(|place| self.0.get_mut(place)) {
            Some((_, known)) => *known = value,
            None => self.0.insert(place.unwrap_or_else(|place| place), (key, value)),
        }
    }

    /// Changes the value of a key, which is the default one where it has none.
    pub(crate) fn update(&mut self, key: K, change: impl FnOnce(&mut V))
    where
        V: Default,
    {
        match self.place(&key).ok().and_then(|place| self.0.get_mut(place)) {
            Some((_, value)) => change(value),
            None => {
                let mut value = V::default();
                change(&mut value);
                self.insert(key, value);
            }
        }
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let place = self.place(key).ok()?;
        Some(self.0.remove(place).1)
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, (K, V)> {
        self.0.iter()
    }

    /// Returns where a key is, or where it belongs.
    fn place(&self, key: &K) -> Result<usize, usize> {
        self.0.binary_search_by(|(other, _)| other.cmp(key))
    }
}

impl<K, V> Default for Sorted<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for Sorted<K, V> {
    /// Of entries with the same key, the last one stays.
    fn from_iter<T: IntoIterator<Item = (K, V)>>(entries: T) -> Self {
        let mut sorted = Self::new();
        for (key, value) in entries {
            sorted.insert(key, value);
        }
        sorted
    }
}

impl<K, V> IntoIterator for Sorted<K, V> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_by_their_keys_and_come_in_their_order() {
        let mut sorted: Sorted<i64, &str> = [(5, "e"), (1, "x"), (3, "c"), (1, "a")].into_iter().collect();
        assert_eq!(
            [1, 2, 3, 5].map(|key| sorted.get(&key).copied()),
            [Some("a"), None, Some("c"), Some("e")]
        );
        sorted.insert(2, "b");
        sorted.remove(&3);
        sorted.remove(&4);
        assert_eq!(sorted.into_iter().collect::<Vec<_>>(), [(1, "a"), (2, "b"), (5, "e")]);
    }
}
