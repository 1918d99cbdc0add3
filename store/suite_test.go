package store_test

import (
	"path/filepath"
	"testing"

	"ecs-autoscaler/store"
	"ecs-autoscaler/store/storetest"
)

func memoryLife(*testing.T) storetest.Life {
	b := store.Memory()
	return storetest.Life{Open: func() store.Backend { return b }}
}

func fileLife(t *testing.T) storetest.Life {
	path := filepath.Join(t.TempDir(), "state.db")
	return storetest.Life{Open: func() store.Backend {
		b, err := store.OpenFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}}
}

func TestMemoryBackend(t *testing.T) {
	storetest.Suite(t, memoryLife)
	t.Run("case 380: history older than six weeks is pruned", func(t *testing.T) { storetest.SixWeeks(t, memoryLife(t)) })
}

func TestFileBackend(t *testing.T) {
	storetest.Suite(t, fileLife)
	t.Run("case 380: history older than six weeks is pruned", func(t *testing.T) { storetest.SixWeeks(t, fileLife(t)) })
}
