package observe

import (
	"testing"

	"go.uber.org/goleak"
)

// Every goroutine of a read or a describe ends with it.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
