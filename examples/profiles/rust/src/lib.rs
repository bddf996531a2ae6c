//! Nautical miles per hour.

/// Metres per second: by definition, 1852 metres in 3600 seconds.
pub fn metres_per_second(knots: f64) -> f64 {
    knots * 1852.0 / 3600.0
}

#[cfg(test)]
mod tests {
    #[test]
    fn eighteen_knots() {
        assert_eq!(super::metres_per_second(18.0), 9.26);
    }
}
