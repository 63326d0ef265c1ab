"""Files of sequences: FASTA, tables, and what is done about residues that are none."""
