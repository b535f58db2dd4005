"""The database: tables, the one commit, and the only writers of a state.

Steps call the functions here with values and get values back. No decision is made here
beyond guarding a write, and nothing outside this room writes a state.
"""
