//! How many connections each address has, so that none has them all.
//!
//! One a port for the process, whatever its workers. A connection holds a [`Place`] for as long as it is open; giving it back is
//! dropping it. Only addresses that have any are kept, so memory is bounded by the connections that there may be. Whose
//! address it is, and who is not counted, is the port's to say.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::limits::client::Subject;

/// See the module.
#[derive(Debug)]
pub struct PerAddress {
    most: u32,
    counts: Mutex<HashMap<Subject, u32>>,
}

/// A connection that is counted.
#[derive(Debug)]
pub struct Place {
    among: Arc<PerAddress>,
    address: Subject,
}

impl PerAddress {
    /// So many of an address (IPv6: a /64); `u32::MAX` is any number.
    pub fn new(most: u32) -> Arc<Self> {
        Arc::new(Self { most, counts: Mutex::default() })
    }

    /// Counts another; `None`: it has as many as it may have.
    pub fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let address = Subject::address(address);
        let mut counts = self.lock();
        match counts.get_mut(&address) {
            Some(count) if *count >= self.most => return None,
            Some(count) => *count += 1,
            None if self.most == 0 => return None,
            None => drop(counts.insert(address, 1)),
        }
        drop(counts);
        Some(Place { among: Arc::clone(self), address })
    }

    /// Addresses that have any.
    #[cfg(test)]
    pub fn addresses(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Subject, u32>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.among.lock();
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_an_address_are_bounded_and_given_back() {
        let among = PerAddress::new(2);
        let take = |address: &str| among.take(address.parse().unwrap());
        let mut held = vec![take("192.0.2.1").unwrap(), take("::ffff:192.0.2.1").unwrap()];
        assert!(take("192.0.2.1").is_none(), "the same address, however it is written");
        held.extend([take("192.0.2.2").unwrap(), take("2001:db8::1").unwrap(), take("2001:db8::2").unwrap()]);
        assert!(take("2001:db8::3").is_none(), "one customer has a /64");
        held.remove(0);
        held.push(take("192.0.2.1").unwrap());
        drop(held);
        assert_eq!(among.addresses(), 0);
        assert!(PerAddress::new(0).take([192, 0, 2, 1].into()).is_none());
    }
}
