//! Model pruning, from the command line.
