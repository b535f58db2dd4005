"""What is done to an order or a notification, one verb a file.

A step takes what was claimed and the runtime, talks to the outside at most once between two
commits, and says what follows. It decides nothing that ``decisions`` can decide and writes
nothing that ``store`` does not write.
"""
