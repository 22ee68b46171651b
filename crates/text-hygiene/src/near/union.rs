//! Sets that are joined; each is named by its first member.

/// Disjoint sets over numbers.
#[derive(Debug, Default)]
pub(super) struct Union {
    parents: Vec<u32>,
}

impl Union {
    pub(super) fn grow(&mut self) {
        self.parents.push(self.parents.len() as u32);
    }

    /// The first member of the set of a number.
    pub(super) fn first(&mut self, mut one: u32) -> u32 {
        while self.parents[one as usize] != one {
            let above = self.parents[self.parents[one as usize] as usize];
            self.parents[one as usize] = above;
            one = above;
        }
        one
    }

    pub(super) fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.first(a), self.first(b));
        self.parents[a.max(b) as usize] = a.min(b);
    }
}
