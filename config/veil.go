package config

// veiledError is an error with another text.
type veiledError struct {
	text string
	err  error
}

// Error is the text without what variables hold.
func (e *veiledError) Error() string { return e.text }

// Unwrap is the error as it was.
func (e *veiledError) Unwrap() error { return e.err }

// Veil gives an error about something that the text names, such as the state, a text of which each value that came from a
// variable is ${NAME}, as in the findings. errors.Is and errors.As see through it. It is nil for nil.
func (c *Config) Veil(err error) error {
	if err == nil || c.veil == nil {
		return err
	}
	return &veiledError{c.veil(err.Error()), err}
}

// VeilText gives a text of which each value that came from a variable is ${NAME}, as Veil does with an error.
func (c *Config) VeilText(text string) string {
	if c.veil == nil {
		return text
	}
	return c.veil(text)
}
