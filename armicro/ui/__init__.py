"""What people see and touch: the operator's window. Qt lives here and nowhere else."""
