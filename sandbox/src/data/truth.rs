//! What is true of the made-up data, counted in the clear: what a sum among the suppliers has to come to.
