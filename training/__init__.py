"""Everything that makes the shipped model: its pictures, its training, its export and its judge."""
