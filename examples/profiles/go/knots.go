// Package knots converts nautical miles per hour.
package knots

// MetresPerSecond uses the definition: 1852 metres in 3600 seconds.
func MetresPerSecond(knots float64) float64 {
	return knots * 1852 / 3600
}
