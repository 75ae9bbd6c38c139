"""What the end-to-end tests are made of: a Portico process, clients and origins that speak raw
bytes, and a strict HTTP/1 parser that both use.

Nothing here sleeps: whatever is awaited is a condition with a generous limit (LIMIT), so that
the same tests run on the release build and on the much slower sanitizer builds."""
