"""What other rooms keep here, because it does not belong into their own stores."""
