package dynamo

// Rows counts what a table keeps, also of items that are gone.
func (s *Store) Rows(table string) int {
	n := 0
	for _, p := range s.tables[table].ordered {
		n += len(p.rows)
	}
	return n
}
