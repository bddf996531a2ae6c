package knots

import "testing"

func TestEighteenKnots(t *testing.T) {
	if got := MetresPerSecond(18); got != 9.26 {
		t.Errorf("got %v", got)
	}
}
