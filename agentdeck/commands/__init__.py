"""The command line, one file a subject. Every function imports late: `ls` answers in under 100 ms."""
